using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Storage;
using DistFS.Native;
using DistFS.Primitives;
using DistFS.Raft;
using DistFS.Rpc;
using DistFS.Rpc.Frames;
using Microsoft.Extensions.Logging;

namespace DistFS.Benchmarks.Raft;

/// <summary>What runs in the process of one member: the shipped driver, store and transport over registers.</summary>
internal static class RaftNode
{
    /// <summary>Runs until standard input ends. Who it is stands in its data folder, which the launcher made.</summary>
    public static async Task<int> RunAsync(
        ulong id, string folder, string address, string profile, ulong snapshotEntries, CancellationToken cancellation)
    {
        using var folderLock = FolderLock.Acquire(folder);
        using var logger = new FileLogger(Path.Combine(folder, "node.log"));
        var stopped = new TaskCompletionSource<DistFsException>(TaskCreationOptions.RunContinuationsAsynchronously);
        var prng = new Prng((ulong)Random.Shared.NextInt64());
        using var store = RaftStore.Open(new PosixDisk(folder), new RaftStoreOptions(), prng.Fork());
        Check.That(store.Identity.Member.Value == id);
        var raft = new RaftOptions { Self = store.Identity.Member, Store = store.Identity.Store };
        var machine = new RegisterMachine();
        await using var transport = new RaftTransport(new RaftTransportOptions
        {
            Cluster = store.Identity.Cluster,
            Self = raft.Self,
            Address = address,
            Logger = logger,
        });
        await using var driver = RaftDriver.Start(
            new RaftDriverOptions
            {
                Raft = raft,
                Timing = profile == "fast" ? RaftTiming.Fast : RaftTiming.Default,
                SnapshotEntries = snapshotEntries,
                KeepEntries = snapshotEntries / 10,
                Logger = logger,
                OnFailed = reason => stopped.TrySetResult(reason),
            },
            store, machine, transport, prng.Fork());
        transport.DeliverTo(driver);
        var dispatcher = new RpcDispatcher();
        transport.AddTo(dispatcher);
        new RegisterService(driver, machine).AddTo(dispatcher);
        await using var server = FrameServer.Start(dispatcher, new FrameServerOptions
        {
            Listen = [RpcAddress.Parse(address)],
            Frames = RaftTransportOptions.ServerFrames(new FrameOptions(), raft),
            Logger = logger,
        });
        Console.WriteLine("ready");
        var ended = await Task.WhenAny(Console.In.ReadToEndAsync(cancellation), stopped.Task).ConfigureAwait(false);
        if (ended == stopped.Task)
        {
            var reason = await stopped.Task.ConfigureAwait(false);
            await Console.Error.WriteLineAsync($"{reason.Code.Id}: {reason.Message}").ConfigureAwait(false);

            // Without disposing of anything: nothing of this process is to be trusted any more.
            Environment.Exit(1);
        }

        return 0;
    }

    /// <summary>Lines in a file; flushed each, since the process may be killed.</summary>
    private sealed class FileLogger(string path) : ILogger, IDisposable
    {
        private readonly Lock _gate = new();
        private readonly StreamWriter _file = new(path, append: true) { AutoFlush = true };

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            lock (_gate)
            {
                var text = formatter(state, exception);
                _file.WriteLine($"{DateTime.UtcNow:HH:mm:ss.fff} {logLevel} {eventId.Id} {text}");
                if (exception != null)
                {
                    _file.WriteLine(exception);
                }
            }
        }

        public void Dispose() => _file.Dispose();
    }
}
