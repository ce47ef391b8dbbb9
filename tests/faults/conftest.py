from faults.tally import TALLY


def pytest_terminal_summary(terminalreporter):
    """One line over all tests of the folder, wherever else tests have run."""
    if TALLY.checks or TALLY.paged:
        terminalreporter.section("faults")
        for line in TALLY.lines():
            terminalreporter.write_line(line)
