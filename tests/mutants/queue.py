"""Guards of messages that come once: judged, carried out late if need be, and never lost."""

from tests.mutants.edits import always, instead, never, without
from tests.mutants.mutant import Mutant
from tests.mutants.suites import LOGOUT, QUEUE, REQUEST, SQS

_REQUEST, _WORKER = (
    "functions.notifications.revocation_request",
    "functions.notifications.queue_worker",
)
_PARSE, _VALID = f"{_REQUEST}:RevocationRequest.from_text", f"{_REQUEST}:_is_valid"
_AT_ONCE, _ANSWER = f"{_REQUEST}:carry_out_or_queue", "functions.notifications.application"
_SENT = "shared.store.revocation_queue:RevocationQueue._call"
_TIME = "type(value) is int and abs(value) < _LARGEST_TIME"

MUTANTS = (
    Mutant("queue: when a message arrived", f"{_REQUEST}:_end", without("arrived_at=request.arrived_at"), QUEUE, "marker_has not_cancelled"),
    Mutant("queue: time is kept for it", _AT_ONCE, instead("services.before(services.limits.queue_seconds)", "services"), QUEUE, "no_time"),
    Mutant("queue: time is kept to delay a delivery", f"{_WORKER}:_is_carried_out", instead("services.before(limits.queue_seconds)", "services"), QUEUE, "no_time"),
    Mutant("queue: a message that failed is put into it", _AT_ONCE, instead('services.observer.failure("message not carried out", failure)', "raise"), QUEUE, "ten_minutes"),
    Mutant("queue: a message that it has is not done", f"{_ANSWER}:_answer", instead("_reply(202, message, None)", "_reply(200, message, None)"), QUEUE, "ten_minutes"),
    Mutant("queue: a token that was used is refused", _AT_ONCE, never("not done"), LOGOUT, "replayed"),
    Mutant("queue: a message that cannot be judged is not refused", f"{_ANSWER}:_not_judged", instead("_reply(503, message, failure.error)", "_reply(400, message, failure.error)"), QUEUE, "not_queued"),
    Mutant("queue: version of a message", _PARSE, instead('members.pop("v", None) != _VERSION', 'members.pop("v", None) is None'), QUEUE, "poison"),
    Mutant("queue: members of a message", _PARSE, without("set(members) != set(cls.__dataclass_fields__)"), REQUEST, "altered"),
    Mutant("queue: a message is valid", _PARSE, never("not _is_valid(members)"), QUEUE, "poison"),
    Mutant("queue: kind of a message", _VALID, without('members["kind"] in get_args(Kind)'), QUEUE, "poison"),
    Mutant("queue: names in a message", _VALID, without("all(name is None or is_identifier(name) for name in names)"), QUEUE, "poison"),
    Mutant("queue: whom a message names", _VALID, without('(members["subject"] is not None or members["op_session"] is not None)'), QUEUE, "poison"),
    Mutant("queue: times are whole numbers", f"{_REQUEST}:_is_time", instead(_TIME, "isinstance(value, int | float) and abs(value) < _LARGEST_TIME"), QUEUE, "poison"),
    Mutant("queue: times are not endless", f"{_REQUEST}:_is_time", instead(_TIME, "type(value) is int"), QUEUE, "poison"),
    Mutant("queue: a delivery that failed is reported", f"{_WORKER}:_is_carried_out", instead("return False", "return True"), QUEUE, "poison"),
    Mutant("queue: a delivery that failed is delayed", f"{_WORKER}:_is_carried_out", without("_delay(record, services)"), QUEUE, "ten_minutes"),
    Mutant("queue: longest delay", f"{_WORKER}:_delay", instead("min(seconds, limits.queue_longest_delay_seconds)", "seconds"), QUEUE, "delay_grows"),
    Mutant("queue: events of others", f"{_WORKER}:is_queue_event", instead('first.get("eventSource") == EVENT_SOURCE', "True"), QUEUE, "not_the_queues"),
    Mutant("queue: an answer that is its own", _SENT, always("answer.get(expected)"), SQS, "another_attempt"),
    Mutant("queue: an attempt ends in time", _SENT, never("self.deadline.left() < self.limits.aws_attempt_seconds"), SQS, "too_late"),
)  # fmt: skip
