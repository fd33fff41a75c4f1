"""Artifacts that `make build` has finished: with unchecked bytecode, and without unused files."""

import importlib.util
import json
import marshal
import shutil
from pathlib import Path
from types import CodeType

import pytest

from local.artifacts import BuildIncomplete, code_folders, finish, sizes
from local.service_data import SERVICES
from tests.built.artifacts import FUNCTIONS, files, folders_of, output_of

ZIPPED_LIMIT = 25 * 1024 * 1024
UNCHECKED = (1).to_bytes(4, "little")
"""The flags of bytecode that is never compared with its source (PEP 552)."""
WATCH = """
from importlib.machinery import SourceFileLoader
compiled = []
compile_source = SourceFileLoader.source_to_code
def watched(self, data, path, **options):
    compiled.append(path)
    return compile_source(self, data, path, **options)
SourceFileLoader.source_to_code = watched
"""
"""Prints each source that the import system compiles."""


def modules(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.py") if path.is_file()]


def test_every_module_has_unchecked_bytecode_that_shows_lambdas_paths(finished: Path) -> None:
    for name, folder in code_folders(finished).items():
        found = modules(folder)
        assert found
        for module in found:
            bytecode = Path(importlib.util.cache_from_source(str(module))).read_bytes()
            assert bytecode[:4] == importlib.util.MAGIC_NUMBER
            assert bytecode[4:8] == UNCHECKED, module
            assert bytecode[8:16] == importlib.util.source_hash(module.read_bytes())
            code = marshal.loads(bytecode[16:])  # noqa: S302 - what this run has compiled
            assert isinstance(code, CodeType)
            place = "/opt/python" if name == "SharedLayer" else "/var/task"
            assert code.co_filename == f"{place}/{module.relative_to(folder)}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_start_compiles_no_module(finished: Path, name: str) -> None:
    """Even if all sources are newer than their bytecode, as in an unpacked archive."""
    folders = folders_of(finished, name)
    module = FUNCTIONS[name]["Handler"].rpartition(".")[0]
    program = (
        f"{WATCH}import {module}\n"
        f"print([path for path in compiled if path.startswith({folders!r})])\n"
    )
    for folder in folders:
        for path in modules(Path(folder)):
            path.touch()
    assert output_of(program, *folders).strip() == "[]"


def test_http_library_of_the_sdk_and_what_only_it_needs_are_left_out(
    plain: Path, finished: Path
) -> None:
    def packages(build: Path) -> set[str]:
        found = (build / "SharedLayer/python").glob("*.dist-info")
        return {folder.name.partition("-")[0] for folder in found}

    assert packages(plain) - packages(finished) == {
        *("aiohappyeyeballs", "aiohttp", "aiosignal", "attrs", "frozenlist", "multidict"),
        *("propcache", "yarl"),
    }
    program = "import shared.oidc.sdk, aws_xray_sdk, wrapt; print('loaded')"
    assert output_of(program, *folders_of(finished, "AuthFunction")) == "loaded\n"


def test_the_same_build_gives_the_same_bytes(plain: Path, finished: Path, tmp_path: Path) -> None:
    again = tmp_path / "elsewhere"
    shutil.copytree(plain, again)
    finish(again)
    for name in (*FUNCTIONS, "SharedLayer"):
        names = files(finished / name)
        assert files(again / name) == names
        for file in names:
            assert (again / name / file).read_bytes() == (finished / name / file).read_bytes(), file


def test_finishing_twice_changes_nothing(finished: Path, tmp_path: Path) -> None:
    twice = tmp_path / "twice"
    shutil.copytree(finished, twice)
    finish(twice)
    assert files(twice) == files(finished)


def test_files_that_no_function_reads_are_removed(finished: Path) -> None:
    layer = finished / "SharedLayer/python"
    suffixes = {Path(file).suffix for file in files(layer)}
    assert not suffixes & {".pyi", ".pyx", ".pxd", ".c", ".h"}
    folders = {path.name for path in layer.rglob("*") if path.is_dir()}
    assert not folders & {"tests", "test", "sboms", "examples"}
    services = {path.name for path in (layer / "botocore/data").iterdir() if path.is_dir()}
    assert services == set(SERVICES)


def test_licences_and_metadata_are_kept(plain: Path, finished: Path) -> None:
    before, after = (files(folder / "SharedLayer/python") for folder in (plain, finished))
    expected = {
        file
        for file in before
        if ".dist-info/" in file
        and (finished / "SharedLayer/python" / file.partition("/")[0]).is_dir()
        and any(
            word in file for word in ("LICENSE", "LICENCE", "NOTICE", "METADATA", "entry_points")
        )
    }
    assert len(expected) > 60
    assert expected <= after


def test_service_models_differ_only_in_texts(plain: Path, finished: Path) -> None:
    """All operations, shapes and conditions are kept; only texts are removed."""
    program = (
        "import json\n"
        "from botocore.session import get_session\n"
        "loader = get_session().get_component('data_loader')\n"
        "def bare(v):\n"
        "    if isinstance(v, dict):\n"
        "        return {k: bare(x) for k, x in v.items()\n"
        "                if not (k == 'documentation' and isinstance(x, str))}\n"
        "    return [bare(x) for x in v] if isinstance(v, list) else v\n"
        f"for name in {SERVICES!r}:\n"
        "    for kind in ('service-2', 'endpoint-rule-set-1', 'paginators-1'):\n"
        "        print(json.dumps(bare(loader.load_service_model(name, kind)), sort_keys=True))\n"
        "print(loader.load_service_model('dynamodb', 'service-2').get('documentation'))\n"
    )
    full, cut = (
        output_of(program, str(folder / "SharedLayer/python")).splitlines()
        for folder in (plain, finished)
    )
    assert full[:-1] == cut[:-1]
    assert json.loads(full[0])["operations"]
    assert cut[-1] == "None"


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "cn-north-1"])
def test_endpoints_of_every_partition_are_kept(plain: Path, finished: Path, region: str) -> None:
    program = (
        "from botocore.session import get_session\n"
        f"for name in {SERVICES!r}:\n"
        f"    client = get_session().create_client(name, region_name={region!r},\n"
        "        aws_access_key_id='test', aws_secret_access_key='test')\n"
        "    print(client.meta.endpoint_url, client.meta.partition)\n"
    )
    full, cut = (
        output_of(program, str(folder / "SharedLayer/python")) for folder in (plain, finished)
    )
    assert full == cut
    assert region in full


def test_a_function_with_the_layer_is_small(finished: Path) -> None:
    measured = sizes(finished)
    for name in FUNCTIONS:
        assert measured[name].zipped + measured["SharedLayer"].zipped < ZIPPED_LIMIT


def test_folder_without_artifacts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildIncomplete, match="holds no artifacts"):
        finish(tmp_path)


def test_a_module_that_does_not_compile_stops_the_build(tmp_path: Path) -> None:
    layer = tmp_path / "SharedLayer/python"
    layer.mkdir(parents=True)
    (layer / "broken.py").write_text("def (:\n")
    with pytest.raises(BuildIncomplete, match=r"broken\.py"):
        finish(tmp_path)
