namespace DistFS.Linearizability.Tests;

public sealed class HistoryRecorderTests
{
    [Fact]
    public void Ends_are_written_down_as_reported()
    {
        var recorder = new HistoryRecorder<string, string>();
        var returned = recorder.Invoke(1, "returned", 10);
        recorder.Invoke(2, "unknown", 5).Unknown();
        recorder.Invoke(3, "failed", 11).Failed();
        _ = recorder.Invoke(4, "open", 12);
        returned.Return("answer", 20);

        Assert.Equal(4, recorder.Count);
        Assert.Equal(
            [
                "client 2 [5 .. ?] unknown -> unknown",
                "client 1 [10 .. 20] returned -> answer",
                "client 4 [12 .. ?] open -> unknown",
            ],
            recorder.ToHistory().Select(operation => operation.ToString()));
    }

    [Fact]
    public void A_history_does_not_change_when_an_operation_ends_later()
    {
        var recorder = new HistoryRecorder<string, string>();
        var open = recorder.Invoke(1, "q", 1);
        var before = recorder.ToHistory();
        open.Return("a", 2);
        Assert.True(before[0].IsPending);
        Assert.False(recorder.ToHistory()[0].IsPending);
    }

    [Fact]
    public void An_end_is_reported_once()
    {
        var open = new HistoryRecorder<string, string>().Invoke(1, "q", 1);
        open.Unknown();
        var error = Assert.Throws<InvalidOperationException>(() => open.Return("a", 2));
        Assert.Contains("client 1 [1 .. ?] q -> unknown", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(open.Failed);
        Assert.Throws<InvalidOperationException>(open.Unknown);
    }

    [Fact]
    public void Without_a_clock_a_time_is_asked_for()
    {
        var open = new HistoryRecorder<string, string>().Invoke(1, "q", 5);
        Assert.Throws<InvalidOperationException>(() => open.Return("a"));
        Assert.Throws<ArgumentOutOfRangeException>(() => open.Return("a", 4));
        open.Return("a", 5);
    }

    /// <summary>A recorded failure says nothing; a recorded unknown allows both.</summary>
    [Fact]
    public void An_example_from_the_documentation()
    {
        var recorder = new HistoryRecorder<RegisterInput, RegisterOutput>();
        var write = recorder.Invoke(client: 1, RegisterInput.Write(7), time: 10);
        var read = recorder.Invoke(client: 2, RegisterInput.Read, time: 15);
        read.Return(RegisterOutput.Of(7), time: 20);
        write.Unknown();
        var result = LinearizabilityChecker.Check(new RegisterModel(), recorder.ToHistory());
        Assert.True(result.IsLinearizable, result.Explanation);
        Assert.Equal("Linearizable", result.ToString());
    }
}
