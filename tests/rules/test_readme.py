"""The README's commands run as they stand, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


def test_the_shell_blocks_run_in_order_from_an_empty_folder(tmp_path: Path) -> None:
    script = "set -euo pipefail\n" + "\n".join(BLOCKS)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    found = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.returncode == 0, found.stderr
    assert "recorded 3, already known 0" in found.stdout
    assert "recorded 0, already known 3" in found.stdout
    assert "blocked" in found.stdout
    assert "80 %" in found.stdout


def test_every_named_command_exists() -> None:
    table = README.partition("## Commands")[2].partition("## With a language model")[0]
    named = set(re.findall(r"`([a-z][a-z -]*?)(?: \[.*?\]|[ /`])", table))

    import typer.main

    from lineside.serve import commands
    from lineside.serve.cli import root

    commands.register(root)
    known = set(typer.main.get_command(root).commands)

    assert {words.split()[0] for words in named if words.split()[0] not in known and words != "plant.toml"} - {
        "lineside",
        "pip",
    } == set()
