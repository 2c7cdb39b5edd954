using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using DistFS.Client;
using DistFS.Native;

namespace DistFS.Cli.Tests.Verbs;

/// <summary>A command under a lock of the cluster.</summary>
[Collection(VerbClusterTests.Name)]
[SupportedOSPlatform("linux")]
public sealed class LockVerbTests(VerbCluster cluster)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Its_exit_status_is_ours_and_tokens_grow()
    {
        var first = await EndAsync(Start("/lock-a", "sh", "-c", "echo $DFS_LOCK_TOKEN; exit 7"));
        var second = await EndAsync(Start("/lock-a", "sh", "-c", "echo $DFS_LOCK_TOKEN; kill -9 $$"));
        Assert.Equal((7, 137), (first.ExitCode, second.ExitCode));
        Assert.True(TokenOf(second) > TokenOf(first) && TokenOf(first) > 0);
        Assert.Equal(0, (await cluster.Client.StatAsync("/lock-a")).Size);
        await cluster.RefusedAsync(
            ExitCodes.Usage, "'no-such-command' cannot be run", "lock", "/lock-a", "--", "no-such-command");
        await cluster.RefusedAsync(ExitCodes.NotFound, "/none: no such file", "lock", "/none/x", "--", "true");
    }

    [Fact]
    public async Task One_at_a_time_has_it()
    {
        var held = await cluster.Client.LockAsync(await FileAsync("/lock-b"));
        await cluster.RefusedAsync(
            ExitCodes.Unavailable, "somebody else has the lock", "lock", "-n", "/lock-b", "--", "true");
        await cluster.RefusedAsync(
            ExitCodes.Unavailable, "somebody else has the lock", "lock", "-w", "50ms", "/lock-b", "--", "true");
        using var waiting = Start("/lock-b", "sh", "-c", "echo $DFS_LOCK_TOKEN");

        // At once, and not after the client's patience (60 s).
        Assert.Null(await cluster.Client.TryLockAsync("/lock-b", TimeSpan.Zero).WaitAsync(TimeSpan.FromSeconds(20)));
        await held.DisposeAsync();
        var result = await DfsProcess.EndAsync(waiting);
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.True(TokenOf(result) > held.Token);
    }

    [Fact]
    public async Task Who_shares_it_keeps_out_who_does_not()
    {
        var path = await FileAsync("/lock-c");
        await using var one = await cluster.Client.LockAsync(path, exclusive: false);
        await using var other = await cluster.Client.TryLockAsync(path, TimeSpan.Zero, exclusive: false);
        Assert.NotNull(other);
        Assert.Null(await cluster.Client.TryLockAsync(path, TimeSpan.Zero));
        await cluster.OkAsync("lock", "-s", "-n", "/lock-c", "--", "true");
    }

    [Fact]
    public async Task SIGTERM_reaches_the_command_and_the_lock_is_free_then()
    {
        using var process = Start(
            "/lock-d", "sh", "-c", "trap 'kill $!; exit 9' TERM; sleep 600 > /dev/null 2>&1 & echo up; wait");
        Assert.Equal("up", await process.StandardOutput.ReadLineAsync().WaitAsync(Limit));
        Posix.Kill(process.Id, ProcessSignal.Terminate);
        await process.WaitForExitAsync().WaitAsync(Limit);
        Assert.Equal(9, process.ExitCode);
        await using var free = await cluster.Client.TryLockAsync("/lock-d", TimeSpan.Zero);
        Assert.NotNull(free);
    }

    /// <summary>
    /// Nobody answers any more: before the session can be over for the metaservers, the command is told.
    /// </summary>
    [Fact]
    public async Task A_lock_that_may_be_lost_ends_the_command()
    {
        var options = new DistFsClientOptions
        {
            Metaservers = cluster.Processes.Metaservers.Addresses,
            SessionLease = TimeSpan.FromSeconds(2),
            Patience = TimeSpan.FromMilliseconds(300),
        };
        var path = await FileAsync("/lock-e");
        await using var client = await DistFsClient.ConnectAsync(options);
        var held = await client.LockAsync(path);
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = held.Lost.Register(lost.SetResult);
        Assert.False(held.Lost.IsCancellationRequested);
        cluster.Processes.Metaservers.Signal(0, ProcessSignal.Stop);
        try
        {
            await lost.Task.WaitAsync(Limit);
        }
        finally
        {
            cluster.Processes.Metaservers.Signal(0, ProcessSignal.Continue);
        }

        await held.DisposeAsync();

        // Heard of again, it locks again, under a later token.
        await using var again = await cluster.Client.LockAsync(path);
        Assert.True(again.Token > held.Token);
    }

    private static ulong TokenOf(CliResult result) => ulong.Parse(result.Out, CultureInfo.InvariantCulture);

    private static async Task<CliResult> EndAsync(Process process)
    {
        using (process)
        {
            return await DfsProcess.EndAsync(process);
        }
    }

    private Process Start(string path, params string[] command) => DfsProcess.StartDfs(
        ["lock", "--cluster", cluster.Addresses, "--timeout", "30s", path, "--", .. command]);

    private async Task<string> FileAsync(string path)
    {
        await cluster.WriteAsync(path, "");
        return path;
    }
}
