"""HTTP as API Gateway and browsers speak it: events, cookies, URLs."""
