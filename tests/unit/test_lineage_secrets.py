"""A secret comes in by many ways and is written down nowhere."""

from __future__ import annotations

import subprocess

import pytest
from lineage_toy import HEAD, jobs, snakemake

from medsynth.lineage.erasure.search import remains
from medsynth.lineage.recording.environment import STARRED, code_state
from medsynth.lineage.replay.checkout import check_out
from medsynth.store.privacy import secrets
from medsynth.store.privacy.secrets import learn, without_secrets
from medsynth.store.privacy.source_secrets import source_without_secrets

WAYS = {  # where a secret comes in: the secret itself
    "tracked": "Tr4cked-hunter",
    "untracked": "Untr4cked-hunter",
    "program": "Progr4m-hunter",
    "option": "0ption-hunter",
    "parameter": "P4rameter-hunter",
    "environment": "Env1ronment-hunter",
    "command": "C0mmand-hunter",
    "log": "L0g-hunter",
    "nested": "Nest3d-hunter",
    "resource": "Res0urce-hunter",
    "word": "W0rd-hunter",
    "raised": "Ra1sed-hunter",
    "toml": "T0ml-hunter",
    "block": "Bl0ck-hunter",
    "committed": "C0mmitted-hunter",
}
PATIENT = "p10000032"
RULES = """
import os, sys
from medsynth.store.privacy import raw_names
raw_names.declare([Path("raw")], shown=[Path("results")])
settings.model_dump = lambda mode: {{"lineage": {{"tracking_uri": config.get("db")}}, "seed": 3}}

rule all:
    input: "results/a.txt", "results/b.txt"

rule with_secrets:
    output: "results/a.txt"
    log: "results/logs/a.log"
    params:
        uri="postgresql://me:{parameter}@host/db",
        home=os.environ["SITE_TOKEN"],
        all=config,
        accounts=[dict(credentials=["me", "{nested}"])],
        out=config["db"].split("me:")[1].split("@")[0],
    resources: auth_token="{resource}"
    shell:
        "echo PASSWORD={command} --db-password {word} > /dev/null;"
        " {{sys.executable}} {{workflow.basedir}}/job.py {{log}}; touch {{output}}"

rule fails:
    output: "results/b.txt"
    params: uri="postgresql://me:{parameter}@host/db"
    run:
        try:
            open("raw/{patient}/a b.dcm")
        except OSError as error:
            raise OSError(f"{{error.filename!r}}: Authorization: Bearer {raised}")

lineage.install(workflow, settings)
"""
JOB = """
import logging, sys
from medsynth.runtime.logs import configure_logging

with configure_logging(sys.argv[1]):
    try:
        raise ValueError("cannot reach postgresql://me:{log}@host/db for raw/{patient}/a b.dcm")
    except ValueError:
        logging.exception("once more, please")
"""


def git(folder, *arguments):
    who = ["-c", "user.name=n", "-c", "user.email=e@x"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_secret_that_comes_in_by_any_way_is_written_down_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("SITE_TOKEN", WAYS["environment"])
    (tmp_path / "Snakefile").write_text(HEAD + RULES.format(**WAYS, patient=PATIENT))
    (tmp_path / "job.py").write_text(JOB.format(**WAYS, patient=PATIENT))
    (tmp_path / "site.yaml").write_text("seed: 1\n")
    lines = "".join(f"    line {k}\n" for k in range(8))
    (tmp_path / "a.yaml").write_text(f"db:\n  token: |\n{lines}    {WAYS['committed']}\na: 1\n")
    (tmp_path / ".gitignore").write_text("results/\n.snakemake/\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "m")
    (tmp_path / "site.yaml").write_text(f"db: postgresql://me:{WAYS['tracked']}@host/db\n")
    text = (tmp_path / "a.yaml").read_text()
    (tmp_path / "a.yaml").write_text(text.replace("a: 1", "a: 2"))
    (tmp_path / "new.toml").write_text(f"[password]\nvalue = '{WAYS['toml']}'\n")
    (tmp_path / "block.yml").write_text(f"db: {{secret: {WAYS['block']}, a: 1}}\n")
    (tmp_path / "new.yaml").write_text(f"password: {WAYS['untracked']} of two words\n")
    (tmp_path / "new.py").write_text(f"API_KEY = '{WAYS['program']}'\n")
    option = f"db=postgresql://me:{WAYS['option']}@host/db"
    done = snakemake(tmp_path, "--configfile", "site.yaml", "--config", option)
    assert [job["status"] for job in sorted(jobs(tmp_path), key=lambda job: job["rule"])] == [
        *("FAILED", "COMPLETE"),
    ], done.stderr
    assert (tmp_path / "results" / "lineage" / "mlflow.db").exists()
    # Compressed tables and databases, too.
    for folder in ("results", ".snakemake"):
        found = {w: remains(tmp_path / folder, [s], set()) for w, s in WAYS.items()}
        assert {w: f for w, f in found.items() if f} == {}
    assert not [s for s in WAYS.values() if s in done.stdout + done.stderr]
    # Nor is the name of a raw file, but in the program itself.
    places = [tmp_path / "results" / "logs", tmp_path / ".snakemake" / "log"]
    assert [found for place in places for found in remains(place, [PATIENT], set())] == []
    assert PATIENT not in done.stdout + done.stderr and "'raw/***'" in done.stderr
    # A parameter that is starred out compares as before.
    (tmp_path / "results" / "b.txt").touch()
    again = snakemake(tmp_path, "-n", "--configfile", "site.yaml", "--config", option)
    assert "with_secrets" not in again.stdout + again.stderr


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("uri=postgresql://user:pw@host/db", "uri=postgresql://***@host/db"),
        ("postgresql://u:pa/s@s@host:5432/db", "postgresql://***@host:5432/db"),
        ("postgresql://host/db?password=x&a=3", "postgresql://host/db?password=***&a=3"),
        ('{"uri":"a://me:x@b","c":"d@e"}', '{"uri":"a://***@b","c":"d@e"}'),
        ({"db_password": "x", "tokens": 5}, {"db_password": "***", "tokens": 5}),
        ({"passphrase": 12345, "pwd": ""}, {"passphrase": "***", "pwd": ""}),
        ("api_key=abc", "api_key=***"),
        ("password=a&b c", "password=*** c"),
        ("AWS_SECRET_ACCESS_KEY: 'a b'", "AWS_SECRET_ACCESS_KEY: '***'"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("authorization='abc'", "authorization='***'"),
        ("curl -u me:hunter2 https://x", "curl -u me:*** https://x"),
        ("psql --password 'hunter2' -h x", "psql --password '***' -h x"),
        ("machine h login me password hunter2", "machine h login me password ***"),
        ("X-Api-Key: hunter2", "X-Api-Key: ***"),
        ("Cookie: session=hunter2", "Cookie: ***"),
        ("https://h/x?a=1&sig=hunter2&b=2", "https://h/x?a=1&sig=***&b=2"),
        ("https://h/x?api_key=hunter2&b=2", "https://h/x?api_key=***&b=2"),
        ("postgresql://me:two words@host/db", "postgresql://***@host/db"),
        ("Server=h;dbPass=x1;AccountKey=ab==;A=b", "Server=h;dbPass=***;AccountKey=***;A=b"),
        ('{\\"password\\": \\"x\\"}', '{\\"password\\": \\"***\\"}'),
        ("('Authorization', 'Bearer abc')", "('Authorization', '***')"),
        ("<password>x</password>", "<password>***</password>"),
        ("password2=x, SIGNING_SECRET_V2: y", "password2=***, SIGNING_SECRET_V2: ***"),
        ("ghp_" + "a1" * 18, "***"),
        (
            {"credentials": {"user": "a", "of": ["b"]}},
            {"credentials": {"user": "***", "of": ["***"]}},
        ),
        ({"headers": [["Authorization", "Bearer x"]]}, {"headers": [["Authorization", "***"]]}),
        (
            {"name": "password", "value": "x", "a": "b"},
            {"name": "password", "value": "***", "a": "b"},
        ),
        (["token", "abc"], ["token", "***"]),
        ("[{'auth': ['me', ('x',)], 'a': 'b'}]", "[{'auth': ['***', ('***',)], 'a': 'b'}]"),
        (
            '{"credentials": {"user": "x", "of": [1]}}',
            '{"credentials": {"user": "***", "of": [1]}}',
        ),
        (
            {"token": True, "pad_token": "<pad>", "max_token": 5},
            {"token": True, "pad_token": "<pad>", "max_token": 5},
        ),
        ("results/token=5/a.h5 s3://bucket/a@b/c", "results/token=5/a.h5 s3://bucket/a@b/c"),
        ("file:///data/me@host/x, second pass: done", "file:///data/me@host/x, second pass: done"),
        ("psql --password $TOKEN {token}", "psql --password $TOKEN {token}"),
        (["--db-password=abc", "--cores"], ["--db-password=***", "--cores"]),
        (["--token", "abc", "--cores", "2"], ["--token", "***", "--cores", "2"]),
        ("-----BEGIN PRIVATE KEY-----\nab\ncd", "-----BEGIN PRIVATE KEY-----***"),
        ({"results": "a/b"}, {"results": "a/b"}),
        (
            "tokenizer: bpe, max_tokens=3, TOKEN_FILE=/a",
            "tokenizer: bpe, max_tokens=3, TOKEN_FILE=/a",
        ),
        ("tiktoken==0.9.0", "tiktoken==0.9.0"),
    ],
)
def test_what_is_secret_is_known_by_its_form_or_its_name(said, kept):
    assert without_secrets(said) == kept


def test_the_value_of_a_secret_variable_is_known_wherever_it_stands(monkeypatch):
    monkeypatch.setenv("SITE_TOKEN", "correct-horse")
    monkeypatch.setenv("SHORT_TOKEN", "true")  # it would star out half of everything
    assert without_secrets(["true", "no correct-horse"]) == ["true", "no ***"]


def test_what_was_learnt_is_known_wherever_it_stands(monkeypatch):
    monkeypatch.setattr(secrets, "_LEARNT", set())
    learn({"site": {"db_password": "correct-horse"}, "uri": "a://me:battery%2Fs@h", "token": "no"})
    said = ["correct-horse", "battery%2Fs", "battery/s", "no"]
    assert without_secrets(said) == ["***", "***", "***", "no"]


@pytest.mark.parametrize(
    "text",
    ["a=" * 20_000, "http://a:b" * 4000, "mysql -p " * 4000, "authorization: " * 4000],
    ids=lambda text: text[:10],
)
def test_long_texts_are_no_trouble(text):
    """Some patterns took minutes for these."""
    assert len(without_secrets(text)) and len(source_without_secrets(text, is_program=False))


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ("a:\n  password: two words\n  b: 1\n", "a:\n  password: ***\n  b: 1\n"),
        ("+  token: |\n+    ab\n+    cd\n+  b: 1\n", "+  token: |\n+    ***\n+    ***\n+  b: 1\n"),
        ("- secret: 'x y'\n", "- secret: '***'\n"),
        ("db.api-key = 5\n", "db.api-key = ***\n"),
        ("uri: a://me:x@b/c\n", "uri: a://***@b/c\n"),
        ("tokens: 5\ntokenizer: bpe\n", "tokens: 5\ntokenizer: bpe\n"),
        ("a: {password: x, b: 1}\n", "a: {password: ***, b: 1}\n"),
        ("password: |2 # so\n   ab\nb: 1\n", "password: |2 # so\n   ***\nb: 1\n"),
        ("password:\n- ab\nb: 1\n", "password:\n- ***\nb: 1\n"),
        ("password = '''\nab\ncd'''\nb = 1\n", "password = '''***'''\nb = 1\n"),
        (
            "[password]\nvalue = 'x'\n[b]\nvalue = 'y'\n",
            "[password]\nvalue = ***\n[b]\nvalue = 'y'\n",
        ),
        ("# export DB_PASSWORD=x\n", "# export DB_PASSWORD=***\n"),
        ("PASSWORD ?= x\n", "PASSWORD ?= ***\n"),
    ],
)
def test_values_of_secret_names_in_settings(settings, kept):
    assert source_without_secrets(settings, is_program=False) == kept


@pytest.mark.parametrize(
    ("program", "kept"),
    [
        ("def f(token: str, password=None):\n", "def f(token: str, password=None):\n"),
        ("password = getpass()\n", "password = getpass()\n"),
        ("token = 'abc'\n", "token = '***'\n"),
        ("""d = {'password': "x'y"}\n""", """d = {'password': "***"}\n"""),
        ("os.environ['DB_PASSWORD'] = 'x y'\n", "os.environ['DB_PASSWORD'] = '***'\n"),
        ("if token == 'abc':\n", "if token == 'abc':\n"),
        ("token: str = 'abc'\n", "token: str = '***'\n"),
        (
            "password = (\n    'abc'\n    f'd'\n)\nx = 'y'\n",
            "password = (\n    '***'\n    f'***'\n)\nx = 'y'\n",
        ),
        ("password = os.environ['A'] or 'abc'\n", "password = os.environ['A'] or 'abc'\n"),
        ("putenv('TOKEN', 'abc')\n", "putenv('TOKEN', '***')\n"),
        ("get(u, auth=('me', 'abc'))\n", "get(u, auth=('***', '***'))\n"),
        ("shell('PASSWORD=abc psql --token a1')\n", "shell('PASSWORD=*** psql --token ***')\n"),
        ("# password: abc1\n", "# password: ***\n"),
        (
            "# may hold a password: Snakemake shows it\n",
            "# may hold a password: Snakemake shows it\n",
        ),
        ("TokenHeader('X-Auth-Token', token)\n", "TokenHeader('X-Auth-Token', token)\n"),
        (
            "h = ('Authorization', f'Bearer {token}')\n",
            "h = ('Authorization', f'Bearer {token}')\n",
        ),
        ("NAME, PASSWORD = 'A_NAME', 'A_PASSWORD'\n", "NAME, PASSWORD = 'A_NAME', 'A_PASSWORD'\n"),
    ],
)
def test_in_programs_only_literals_are_starred_out(program, kept):
    assert source_without_secrets(program, is_program=True) == kept


@pytest.mark.parametrize(
    ("name", "text", "comes_back"),
    [
        ("new.yaml", "password: hunter2\n", True),  # a job is given the recorded configuration
        ("new.py", "password = 'hunter2'\n", False),
        ("new.py", "answer = 42\n", True),
    ],
)
def test_a_difference_is_put_back_unless_a_program_lost_a_secret(tmp_path, name, text, comes_back):
    repo, blobs = tmp_path / "repo", tmp_path / "blobs"
    repo.mkdir()
    (repo / "Snakefile").write_text("rule all:\n")
    git(repo, "init", "-q")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "m")
    (repo / name).write_text(text)
    state = code_state(repo, blobs)
    blob = (blobs / f"{state['dirty']}.diff").read_text()
    assert "hunter2" not in blob and blob.startswith(STARRED) == (not comes_back)
    (repo / name).unlink()
    ran = {"snakefile": str(repo / "Snakefile"), "git": state}
    place, lost = check_out(ran, blobs, tmp_path / "then")
    assert (lost is None) == comes_back
    assert place == (tmp_path / "then" if comes_back else repo) / "Snakefile"
