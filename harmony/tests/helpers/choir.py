"""A suite: a project inside of a package."""

from __future__ import annotations

from typing import Final

CHOIR: Final = {
    "choir_suite/__init__.py": "",
    "choir_suite/harmony.toml": """
        steps = ["choir_suite.steps"]
        [driver]
        contract = "choir_suite.contract:CONTRACT"
        reference = "reference"
        [platforms.reference]
        contract = "driver"
        command = ["{python}", "reference/driver.py"]
        build = ["false"]
    """,
    "choir_suite/features/01-choir.feature": """
        Feature: Choir
          Scenario: 1.1 Both sing the same
            When the 'left' process sings 'la' '2' times
            Then the 'right' process should sing 'lala' for 'la' and '2'
    """,
    "choir_suite/contract.py": '''
        from typing import Protocol

        from harmony import Contract, Driver, verb


        class Singer(Driver, Protocol):
            """What a singer can do."""

            @verb
            async def sing(self, word: str, times: int) -> str:
                """Return a word so many times."""
                ...


        CONTRACT = Contract("Singer", "1.0", Singer)
    ''',
    "choir_suite/steps.py": """
        from choir_suite.contract import Singer
        from harmony import parsers, then, when


        class Choir:
            def __init__(self, singer: Singer) -> None:
                self.singer = singer

            @when(parsers.parse("the '{_}' process sings '{word}' '{times:d}' times"))
            async def sings(self, word: str, times: int) -> None:
                await self.singer.sing(word, times)

            @then(parsers.parse("the '{_}' process should sing '{song}' for '{word}' and '{times:d}'"))
            async def should_sing(self, song: str, word: str, times: int) -> None:
                assert await self.singer.sing(word, times) == song
    """,
    "choir_suite/reference/driver.py": """
        from harmony.driver_kit import serve


        class Verbs:
            def sing(self, word: str, times: int) -> str:
                return word * times

            def close_all(self) -> None:
                pass


        if __name__ == "__main__":
            serve(Verbs(), name="reference", protocol="1.0")
    """,
}
"""Two singers: the released implementation plays beside that of whoever uses the suite."""
