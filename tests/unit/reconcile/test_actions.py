from chartly.reconcile.actions import Key


def test_a_key_reads_as_kubectl_writes_it():
    assert str(Key("Job", "a-b", "sales-1-a1")) == "Job a-b/sales-1-a1"
