using System.Diagnostics;

namespace DistFS.Linearizability.Tests;

public sealed class ConcurrentHistoryRecorderTests
{
    private const int Clients = 8;
    private const int OperationsOfEach = 500;

    /// <summary>Real threads and a real lock: what they recorded is complete and linearizable.</summary>
    [Fact]
    public async Task A_register_under_a_lock_is_linearizable()
    {
        var value = 0L;
        var gate = new Lock();
        var recorder = new ConcurrentHistoryRecorder<RegisterInput, RegisterOutput>(Stopwatch.GetTimestamp);
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() =>
        {
            for (var i = 0; i < OperationsOfEach; i++)
            {
                var input = i % 2 == 0 ? RegisterInput.Read : RegisterInput.Write((client * OperationsOfEach) + i);
                var open = recorder.Invoke(client, input);
                lock (gate)
                {
                    value = i % 2 == 0 ? value : input.Value;
                    input = input with { Value = value };
                }

                open.Return(i % 2 == 0 ? RegisterOutput.Of(input.Value) : RegisterOutput.Ok);
            }
        })));

        var history = recorder.ToHistory();
        Assert.Equal(Clients * OperationsOfEach, history.Count);
        Assert.Equal(Clients * OperationsOfEach, recorder.Count);
        Assert.All(history, operation => Assert.False(operation.IsPending));
        Witness.Holds(new RegisterModel(), history, LinearizabilityChecker.Check(new RegisterModel(), history));
    }

    /// <summary>
    /// A history that is taken while clients run is a beginning: it has no answer to a call that it does not have.
    /// </summary>
    [Fact]
    public async Task A_history_taken_meanwhile_is_linearizable()
    {
        var value = 0L;
        var recorder = new ConcurrentHistoryRecorder<RegisterInput, RegisterOutput>(Stopwatch.GetTimestamp);
        var writer = Task.Run(() =>
        {
            for (var i = 1; i <= 2_000; i++)
            {
                var open = recorder.Invoke(1, RegisterInput.Write(i));
                Interlocked.Exchange(ref value, i);
                open.Return(RegisterOutput.Ok);
            }
        });
        var reader = Task.Run(() =>
        {
            for (var i = 1; i <= 2_000; i++)
            {
                var open = recorder.Invoke(2, RegisterInput.Read);
                open.Return(RegisterOutput.Of(Interlocked.Read(ref value)));
            }
        });
        for (var i = 0; i < 20; i++)
        {
            var result = LinearizabilityChecker.Check(new RegisterModel(), recorder.ToHistory());
            Assert.True(result.IsLinearizable, result.Explanation);
        }

        await Task.WhenAll(writer, reader);
    }

    [Fact]
    public void The_clock_stamps_and_the_caller_may()
    {
        var now = 100L;
        var recorder = new ConcurrentHistoryRecorder<string, string>(() => now++);
        var first = recorder.Invoke(1, "by clock");
        var second = recorder.Invoke(2, "by caller", 50);
        first.Return("a");
        second.Return("b", 60);
        Assert.Equal(
            ["client 2 [50 .. 60] by caller -> b", "client 1 [100 .. 101] by clock -> a"],
            recorder.ToHistory().Select(operation => operation.ToString()));
    }
}
