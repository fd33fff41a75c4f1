"""Parameters of stacks that the tests expand."""

DOMAIN = {
    "DomainName": "login.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d",
    "HostedZoneId": "Z0123456789ABCDEFGHIJ",
}


FRONT = {
    **DOMAIN,
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d",
    "CloudFront": "on",
    "WebAclArn": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/sign-in/0a1b2c3d",
}


KEY_ID = "0a1b2c3d-0000-4000-8000-000000000000"


KEY = {"KmsKeyArn": f"arn:aws:kms:eu-central-1:123456789012:key/{KEY_ID}"}
