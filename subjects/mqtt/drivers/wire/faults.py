"""The deviations that the raw peers can play, one at a time, so that it is seen which scenario finds it.

Each breaks a statement of the standard in a way that some implementation might. `tests/test_deviations.py` plays them.
"""

from __future__ import annotations

from typing import Final

BROKER: Final = {
    "qos-upgraded": "delivers with the QoS of the subscription, whatever the message was published with",
    "qos-lowered": "delivers with QoS 0 what QoS 1 is due",
    "order-swapped": "delivers two messages that arrive one after the other the other way round",
    "payload-cut": "keeps 4000 bytes of a payload",
    "empty-lost": "delivers no message without a payload",
    "topic-normalised": "takes 'a//b' for 'a/b'",
    "overlap-lowest": "delivers with the lowest QoS of the filters that match",
    "plus-spans-levels": "has + match more than one level",
    "plus-matches-parent": "has 'a/+' match 'a'",
    "hash-misses-parent": "has 'a/#' not match 'a'",
    "dollar-matches-hash": "has # match topics that begin with $",
    "case-ignored": "takes 'Colour' for 'colour'",
    "unsubscribe-all": "forgets all filters when one is unsubscribed",
    "unsubscribe-ignored": "forgets no filter",
    "retained-lost": "keeps no retained message",
    "retained-unmarked": "sends retained messages without RETAIN",
    "live-marked": "sends RETAIN to whoever has subscribed before",
    "unretained-stored": "keeps messages that were published without RETAIN",
    "empty-retained-kept": "keeps an empty retained message, and sends it",
    "empty-retained-ignored": "clears nothing when an empty retained message comes",
    "resubscribed-silent": "sends no retained message for a filter that was there before",
    "pubrel-ignored": "answers no PUBREL",
    "queue-lost": "keeps nothing for an absent session",
    "queue-reversed": "sends what an absent session has missed the other way round",
    "session-denied": "says that there is no session where there is one",
    "session-claimed": "says that there is a session where there is none",
    "clean-remembers": "keeps the session of a client that has asked for a clean one",
    "clean-stays": "keeps the session of a client after it was a clean one",
    "redelivery-unmarked": "sends a message again without DUP",
    "redelivery-renumbered": "sends a message again under another identifier",
    "redelivery-missing": "sends no message again",
    "redelivery-swapped": "sends messages again in another order",
    "published-after-pubrec": "sends a QoS 2 message again of which it has the PUBREC",
    "duplicate-delivered": "delivers a QoS 2 message again whose identifier it knows",
    "dup-passed-on": "sends DUP to subscribers, as the publisher has",
    "store-lost": "finds nothing in its directory",
    "takeover-ignored": "leaves the connection of a client whose name another one takes",
    "will-lost": "publishes no will",
    "will-always": "publishes the will after DISCONNECT, too",
    "will-unretained": "publishes a retained will as any message",
    "keep-alive-ignored": "waits for a silent client for ever",
    "session-expiry-ignored": "keeps sessions for ever",
    "message-expiry-ignored": "delivers messages that have expired",
    "message-expiry-unchanged": "tells the time that a message had left when it came",
    "receive-maximum-ignored": "sends as many messages as there are",
    "alias-kept": "remembers the aliases of a connection in the next one",
    "share-doubled": "sends a message to each member of a share",
    "user-properties-lost": "passes no user property on",
    "user-properties-sorted": "changes the order of user properties",
    "no-local-ignored": "sends a client what it has published itself",
    "published-retain-ignored": "sends RETAIN 0 to who asks for RETAIN as published",
    "retain-handling-ignored": "sends retained messages whatever the subscription says",
    "will-delay-ignored": "publishes a delayed will at once",
    "puback-reasonless": "acknowledges with a reason that PUBACK has not got",
    "malformed-accepted": "goes on after a packet that is malformed",
    "connect-twice-accepted": "goes on after a second CONNECT",
    "first-packet-any": "takes another packet than CONNECT for the first",
    "packet-spoilt": "sends a PUBLISH with both bits of QoS, which no client may take",
}
CLIENT: Final = {
    "never-acknowledged": "sends no PUBACK",
    "never-completed": "sends no PUBCOMP",
    "never-released": "sends no PUBREL",
    "never-pings": "sends no PINGREQ",
    "acknowledged-backwards": "sends two PUBACKs the other way round",
    "leaves-silently": "closes without DISCONNECT",
    "will-left-out": "has no will",
    "retain-left-out": "publishes without RETAIN",
    "qos-0-only": "publishes with QoS 0",
    "always-clean": "asks for a clean session in any case",
    "dup-at-once": "publishes with DUP for the first time",
    "identifiers-reused": "uses identifier 1 for each message",
    "duplicate-handed-out": "hands out a QoS 2 message again whose identifier it knows",
    "malformed-taken": "takes what is malformed, and goes on",
}


def known(name: str) -> bool:
    """Return whether there is such a deviation."""
    return name in BROKER or name in CLIENT
