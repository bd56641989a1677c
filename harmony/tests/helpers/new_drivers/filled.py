"""Some verbs of the small contract, filled in as an author would: one waits, one refuses, one has a bug, one lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from new_drivers.made import Made

VERBS: Final = ("shake", "wait", "refuse", "balk", "stumble", "describe")


@dataclass(frozen=True)
class Filling:
    file: str
    stub: str
    signature: str
    bodies: Mapping[str, str]
    imports: tuple[str, str] = ("", "")


FILLINGS: Final = {
    "python": Filling(
        "driver.py",
        "raise NotImplementedError",
        "def {verb}(",
        {
            "shake": "raise NotImplementedError('it is screwed down')",
            "wait": "import time; time.sleep(seconds); print('chatter'); return True",
            "refuse": "raise Refused(CODES.JAMMED, 'it is stuck; shake it', coin=5, where='slot')",
            "balk": "raise Misfit('coin: too thin')",
            "stumble": "raise KeyError('a bug')",
            "describe": "return [*tune.notes, -1 if times is None else times, len(tune.title)]",
        },
    ),
    "node": Filling(
        "verbs.mjs",
        "throw new NotImplemented();",
        "async {verb}(",
        {
            "shake": "throw new NotImplemented('it is screwed down');",
            "wait": "await new Promise((go) => setTimeout(go, seconds * 1000)); console.log('chatter'); return true;",
            "refuse": "throw new Refused(CODES.jammed, 'it is stuck; shake it', { coin: 5, where: 'slot' });",
            "balk": "throw new Misfit('coin: too thin');",
            "stumble": "throw new TypeError('a bug');",
            "describe": "return [...tune.notes, times ?? -1, [...tune.title].length];",
        },
    ),
    "go": Filling(
        "verbs.go",
        "return nil, contract.ErrNotImplemented",
        ") {Verb}(params",
        {
            "shake": "return nil, contract.Lacking(`it is screwed down`)",
            "wait": 'time.Sleep(time.Duration(params.Seconds * 1e9)); fmt.Println("chatter"); return true, nil',
            "refuse": "return nil, &contract.Refused{contract.CodeJammed, `it is stuck; shake it`, "
            "map[string]any{`coin`: 5, `where`: `slot`}}",
            "balk": "return nil, contract.Misfit(`coin: too thin`)",
            "stumble": "panic(`a bug`)",
            "describe": "times := int64(-1); if params.Times != nil { times = int64(*params.Times) }; "
            "return append(params.Tune.Notes, times, int64(len([]rune(params.Tune.Title)))), nil",
        },
        ('import "driver/contract"\n', 'import (\n\t"fmt"\n\t"time"\n\n\t"driver/contract"\n)\n'),
    ),
    "rust": Filling(
        "src/verbs.rs",
        "Err(Failure::NotImplemented)",
        "pub fn {verb}(",
        {
            "shake": 'Err(Failure::Lacking("it is screwed down".into()))',
            "wait": "std::thread::sleep(std::time::Duration::from_secs_f64(seconds)); "
            'println!("chatter"); Ok(true.into())',
            "refuse": 'Err(Failure::refused(codes::JAMMED, "it is stuck; shake it", '
            'json!({ "coin": 5, "where": "slot" })))',
            "balk": 'Err(Failure::Misfit("coin: too thin".into()))',
            "stumble": 'panic!("a bug")',
            "describe": "let mut made: Vec<Value> = tune.notes.into_iter().map(Value::from).collect(); "
            "made.push(times.map_or((-1i64).into(), Value::from)); "
            "made.push((tune.title.chars().count() as u64).into()); Ok(made.into())",
        },
    ),
    "cpp": Filling(
        "verbs.hpp",
        "throw NotImplemented{};",
        "Json {verb}(",
        {
            "shake": "throw NotImplemented{`it is screwed down`};",
            "wait": "std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); std::puts(`chatter`); "
            "std::fflush(stdout); return true;",
            "refuse": "throw Refused(codes::jammed, `it is stuck; shake it`, {{`coin`, 5}, {`where`, `slot`}});",
            "balk": 'throw Misfit("coin: too thin");',
            "stumble": 'throw std::out_of_range("a bug");',
            "describe": "Json made = tune.notes; "
            "made.push_back(times ? Json(*times) : Json(-1)); int letters = 0; "
            "for (const unsigned char byte : tune.title) { letters += (byte & 0xc0) != 0x80; } "
            "made.push_back(letters); return made;",
        },
        ("#pragma once\n", "#pragma once\n#include <chrono>\n#include <cstdio>\n#include <thread>\n"),
    ),
    "csharp": Filling(
        "Verbs.cs",
        "throw new NotImplementedException();",
        "object {Verb}(",
        {
            "shake": "throw new NotImplementedException(`it is screwed down`);",
            "wait": "System.Threading.Thread.Sleep((int)(seconds * 1000)); Console.WriteLine(`chatter`); return true;",
            "refuse": "throw new RefusedException(Codes.Jammed, `it is stuck; shake it`, "
            "new Dictionary<string, object> "
            "{ { `coin`, 5 }, { `where`, `slot` } });",
            "balk": 'throw new MisfitException("coin: too thin");',
            "stumble": 'throw new InvalidOperationException("a bug");',
            "describe": "var made = new List<object>(); foreach (var note in tune.Notes) { made.Add(note); } "
            "made.Add(times.HasValue ? (object)times.Value : -1); "
            "made.Add(new System.Globalization.StringInfo(tune.Title).LengthInTextElements); return made;",
        },
    ),
    "java": Filling(
        "driver/Verbs.java",
        "throw new NotImplemented();",
        "Object {verb}(",
        {
            "shake": "throw new NotImplemented(`it is screwed down`);",
            "wait": "Thread.sleep((long) (seconds * 1000)); System.out.println(`chatter`); return true;",
            "refuse": "throw new Refused(Codes.JAMMED, `it is stuck; shake it`, Map.of(`coin`, 5, `where`, `slot`));",
            "balk": "throw new Misfit(`coin: too thin`);",
            "stumble": "throw new IllegalStateException(`a bug`);",
            "describe": "var made = new java.util.ArrayList<Object>(tune.notes()); "
            "made.add(times == null ? -1 : times); made.add(tune.title().codePoints().count()); return made;",
        },
    ),
}


def fill_in(made: Made, language: str) -> None:
    """Write the verbs in the place of their stubs."""
    filling = FILLINGS[language]
    file = made.directory / filling.file
    text = file.read_text("utf-8")
    for verb, body in filling.bodies.items():
        signature = filling.signature.replace("{verb}", verb).replace("{Verb}", verb.capitalize())
        assert text.count(signature) == 1, signature
        head, found, tail = text.partition(signature)
        text = head + found + tail.replace(filling.stub, body.replace("`", '"'), 1)
    old, new = filling.imports
    file.write_text(text.replace(old, new, 1) if old else text, "utf-8")
