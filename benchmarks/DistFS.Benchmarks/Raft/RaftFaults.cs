using System.Diagnostics;
using DistFS.Linearizability;
using DistFS.Native;

namespace DistFS.Benchmarks.Raft;

using Input = Keyed<ulong, RegisterInput>;

/// <summary>Leaders that are killed, and one that is stopped for a while, under clients that write down what they
/// see.</summary>
internal static class RaftFaults
{
    private const int CommandBytes = 100;
    private const int Keys = 4;

    private static readonly string[] Places =
    [
        "raft.before-disk", "raft.after-disk", "raft.before-send-after", "raft.after-send-after", "raft.before-apply",
        "raft.after-apply", "raft.snapshot-begin", "raft.snapshot-written", "raft.snapshot-committed",
        "raft.before-compact", "raft.after-compact", "raft.before-restore", "raft.after-restore",
    ];

    /// <summary>
    /// Kills the leader again and again under a client that writes all the time: how long does it wait for an answer?
    /// </summary>
    public static async Task KillLeadersAsync(
        Report report,
        RaftSuiteOptions options,
        string profile,
        double p50Max,
        double? max,
        CancellationToken cancellation)
    {
        await using var processes = await RaftProcesses.StartAsync(options.NewFolder(), profile, cancellation);
        await processes.LeaderAsync(cancellation);
        var writer = new RaftWriter(processes, cancellation);
        var gaps = new List<double>();
        for (var kill = 0; kill < options.Kills; kill++)
        {
            await writer.AnswersAsync(50);
            var leader = await processes.LeaderAsync(cancellation);
            var killedAt = Stopwatch.GetTimestamp();
            await processes.KillAsync(leader);
            await writer.AnswersAsync(50);
            gaps.Add(writer.LongestGapMs(killedAt));
            await processes.StartAsync(leader, cancellation);
        }

        report.Add($"{profile}: leader killed, longest gap", "ms", gaps);
        report.AddRatio(
            $"{profile}: leader killed, longest gap, p50 (ms)", gaps.Order().ElementAt(gaps.Count / 2), null, p50Max);
        report.AddRatio($"{profile}: leader killed, longest gap, max (ms)", gaps.Max(), null, max);
        report.AddRatio(
            $"{profile}: nothing lost, states equal", await writer.LostNothingAsync() ? 1 : 0, atLeast: 1);
    }

    /// <summary>Lets a member die at each failpoint in turn, as by kill -9, and start again.</summary>
    public static async Task CrashEverywhereAsync(
        Report report, RaftSuiteOptions options, CancellationToken cancellation)
    {
        await using var processes = await RaftProcesses.StartAsync(
            options.NewFolder(), "fast", cancellation, snapshotEntries: 300);
        await processes.LeaderAsync(cancellation);
        var writer = new RaftWriter(processes, cancellation);
        var reached = 0;
        foreach (var place in Places)
        {
            // Some snapshots and restarts later each member has had each place in every role.
            for (var member = 0; member < processes.Count; member++)
            {
                await writer.AnswersAsync(400);
                await processes.LeaderAsync(cancellation);
                await processes.KillAsync(member);
                await processes.StartAsync(member, cancellation, $"{place}=crash@{1 + Random.Shared.Next(2)}");
                reached += await processes.EndsAsync(member, TimeSpan.FromSeconds(20)) ? 1 : 0;
                await processes.KillAsync(member);
                await processes.StartAsync(member, cancellation);
                if (options.IsQuick)
                {
                    break;
                }
            }
        }

        report.Add("crashes at failpoints", "crashes", [reached]);
        report.AddRatio(
            "crashes at failpoints: all reached",
            reached / (double)(Places.Length * (options.IsQuick ? 1 : processes.Count)),
            atLeast: 1);
        report.AddRatio(
            "crashes at failpoints: nothing lost, states equal", await writer.LostNothingAsync() ? 1 : 0, atLeast: 1);
    }

    /// <summary>
    /// Stops the leader, lets it go on later, and asks it for values all the time: none may be older than what others
    /// were told before the question.
    /// </summary>
    public static async Task StopLeaderAsync(Report report, RaftSuiteOptions options, CancellationToken cancellation)
    {
        await using var processes = await RaftProcesses.StartAsync(options.NewFolder(), "default", cancellation);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var leader = await processes.LeaderAsync(cancellation);
        var recorder = new ConcurrentHistoryRecorder<Input, RegisterOutput>(Stopwatch.GetTimestamp);
        var values = 0L;
        var clients = Enumerable.Range(1, 4)
            .Select(id => Task.Run(() => MixAsync(id, ending.Token), cancellation))
            .Concat(Enumerable.Range(0, processes.Count).Select(member => Task.Run(
                () => AskAsync(processes, recorder, member, ending.Token), cancellation)))
            .ToList();
        await Task.Delay(TimeSpan.FromSeconds(2), cancellation);
        processes.Signal(leader, ProcessSignal.Stop);
        await Task.Delay(options.Pause, cancellation);
        processes.Signal(leader, ProcessSignal.Continue);
        await Task.Delay(TimeSpan.FromSeconds(3), cancellation);
        await ending.CancelAsync();
        await Task.WhenAll(clients);
        await ReadAllAsync(processes, recorder, cancellation);
        var history = recorder.ToHistory();
        var result = LinearizabilityChecker.Check(
            new KeyedModel<ulong, RegisterState, RegisterInput, RegisterOutput>(new RegisterModel()),
            history,
            new CheckerOptions { StepsMax = 200_000_000 });
        if (!result.IsLinearizable)
        {
            Console.Error.WriteLine(result.Explanation);
        }

        report.Add("leader stopped: operations in the history", "operations", [history.Count]);
        report.AddRatio("leader stopped: history is linearizable", result.IsLinearizable ? 1 : 0, atLeast: 1);
        report.AddRatio(
            "leader stopped: states equal", await processes.AreEqualAsync(cancellation) ? 1 : 0, atLeast: 1);

        async Task MixAsync(int id, CancellationToken end)
        {
            var client = new RegisterClient(processes, (ulong)id, CommandBytes);
            while (!end.IsCancellationRequested)
            {
                var key = (ulong)Random.Shared.Next(Keys);
                if (Random.Shared.Next(2) == 0)
                {
                    var value = Interlocked.Increment(ref values);
                    var write = recorder.Invoke(id, new Input(key, RegisterInput.Write(value)));
                    await client.PutAsync(key, value, cancellation);
                    write.Return(RegisterOutput.Ok);
                }
                else
                {
                    var read = recorder.Invoke(id, new Input(key, RegisterInput.Read));
                    read.Return(RegisterOutput.Of(await client.GetAsync(key, cancellation)));
                }

                await Task.Delay(5, cancellation);
            }
        }
    }

    /// <summary>Asks one member only, also while it is stopped: its answers come when it goes on.</summary>
    private static async Task AskAsync(
        RaftProcesses processes,
        ConcurrentHistoryRecorder<Input, RegisterOutput> recorder,
        int member,
        CancellationToken end)
    {
        var client = new RegisterClient(processes, 0, CommandBytes);
        while (!end.IsCancellationRequested)
        {
            var key = (ulong)Random.Shared.Next(Keys);
            var read = recorder.Invoke(100 + member, new Input(key, RegisterInput.Read));
            if (await client.TryGetAsync(member, key, TimeSpan.FromSeconds(30)) is { } value)
            {
                read.Return(RegisterOutput.Of(value));
            }
            else
            {
                read.Failed();
            }

            await Task.Delay(5, CancellationToken.None);
        }
    }

    private static async Task ReadAllAsync(
        RaftProcesses processes,
        ConcurrentHistoryRecorder<Input, RegisterOutput> recorder,
        CancellationToken cancellation)
    {
        var client = new RegisterClient(processes, 0, CommandBytes);
        for (var key = 0UL; key < Keys; key++)
        {
            var read = recorder.Invoke(0, new Input(key, RegisterInput.Read));
            read.Return(RegisterOutput.Of(await client.GetAsync(key, cancellation)));
        }
    }
}
