"""What the sentences of features/ mean."""

import hashlib

from harmony import Directory, Port, ScenarioStart, SharedValues, expect_equal, parsers, step, then

from .contract import Mqtt, Subscription

ROLE = "the '[^']+' process"


class DeliverySteps:
    """One of these for each role in each scenario."""

    def __init__(
        self, driver: Mqtt, values: SharedValues, start: ScenarioStart, port: Port, directory: Directory
    ) -> None:
        self._driver = driver
        self._values = values
        self._start = start
        self._port = port
        self._directory = directory

    @step(parsers.re(rf"{ROLE} serves"))
    async def serves(self) -> None:
        """Start a broker, and tell the others its port."""
        await self._driver.serve(int(self._port), str(self._directory), False)
        self._values.publish("port", int(self._port))

    @step(parsers.re(rf"{ROLE} connects"))
    async def connects(self) -> None:
        """Connect with a name of its own and a new session."""
        answer = await self._driver.connect(
            self._values.of("broker", "port", int),
            f"{self._start.role}",
            version=4,
            clean=True,
            keep_alive=60,
        )
        expect_equal(0, answer.reason, "the reason of CONNACK")

    @step(parsers.re(rf"{ROLE} subscribes to '(?P<filter>[^']+)' with QoS '(?P<qos>[012])'"))
    async def subscribes(self, filter: str, qos: int) -> None:
        """Subscribe, and see the QoS granted."""
        granted = await self._driver.subscribe([Subscription(filter, qos)])
        expect_equal([qos], granted, "what is granted")

    @step(parsers.re(rf"{ROLE} publishes '(?P<text>[^']*)' to '(?P<topic>[^']+)' with QoS '(?P<qos>[012])'"))
    async def publishes(self, text: str, topic: str, qos: int) -> None:
        """Publish, and wait until it is acknowledged."""
        await self._driver.publish(topic, text.encode().hex(), qos=qos)

    @then(parsers.re(rf"{ROLE} should receive '(?P<text>[^']*)' on '(?P<topic>[^']+)' with QoS '(?P<qos>[012])'"))
    async def should_receive(self, text: str, topic: str, qos: int) -> None:
        """Take the next message, and compare all that was sent."""
        messages = await self._driver.receive(1, 0)
        seen = [(one.topic, one.sha256, one.qos) for one in messages]
        expect_equal([(topic, hashlib.sha256(text.encode()).hexdigest(), qos)], seen, "the next message")

    @then(parsers.re(rf"{ROLE} should receive no more"))
    async def should_receive_no_more(self) -> None:
        """See that nothing comes for a while."""
        expect_equal([], await self._driver.receive(1, 0.25), "what comes then")
