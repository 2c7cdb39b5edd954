using System.Diagnostics;
using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// Runs one member: four threads (core, disk, apply, piece) and queues between them (docs/design/driver.md). All that
/// is asked of it goes to the core's queue; the core's thread drains the queue, lets out what may leave at once, and
/// hands the rest to the disk's, which takes all that waits and makes it durable with one sync.
/// </summary>
/// <remarks>
/// The store and the state machine are the driver's until it has stopped; disposing of them is the caller's matter.
/// After a failure nothing is sent or answered any more, and <see cref="RaftDriverOptions.OnFailed"/> is called.
/// </remarks>
public sealed partial class RaftDriver : IRaftInbox, IReadyHost, IAsyncDisposable
{
    private static readonly ProposalOutcome TimeIsOver =
        new(CallStatus.Unknown, Reason: "The time was over before it was known what became of it.");

    private static readonly ProposalOutcome Stopped =
        new(CallStatus.Unknown, Reason: "This member stopped.");

    private readonly RaftDriverOptions _options;
    private readonly RaftStore _store;
    private readonly IRaftTransport _transport;
    private readonly ReadyExecutor _executor;
    private readonly RaftMetrics _metrics;
    private readonly CancellationTokenSource _stop = new();
    private readonly Timer _expiry;
    private Task _lanes = Task.CompletedTask;
    private int _failed;
    private volatile bool _isStopping;
    private volatile RaftConfiguration _configuration;

    private RaftDriver(
        RaftDriverOptions options,
        RaftStore store,
        IReplicatedStateMachine machine,
        IRaftTransport transport,
        Prng prng)
    {
        _options = options;
        _store = store;
        _transport = transport;
        _proposals = new PendingCalls<ProposalOutcome>(options.CallsMax);
        _reads = new PendingCalls<ReadOutcome>(options.CallsMax);
        _executor = new ReadyExecutor(options.Timing.ApplyTo(options.Raft), store, machine, prng, this);
        _applied = _executor.AppliedId.Index.Value;
        _configuration = _executor.Core.Status.Configuration;
        _metrics = new RaftMetrics(options.Raft.Self, QueueLength, () =>
            Math.Max(0, (long)(Volatile.Read(ref _committed) - Volatile.Read(ref _applied))));
        _entriesSinceSnapshot = EntriesSince(store.Snapshot);
        _length = (long)(options.Timing.Tick.TotalSeconds * Stopwatch.Frequency);
        _expiry = new Timer(
            static driver => ((RaftDriver)driver!).ExpireCalls(), this, ExpiryInterval, ExpiryInterval);
    }

    /// <summary>Who this is.</summary>
    public MemberId Self => _options.Raft.Self;

    /// <summary>The leader as far as known here, this one included; zero is not known.</summary>
    public MemberId Leader => new(Volatile.Read(ref _leader));

    /// <summary>Whether this member believes that it leads.</summary>
    public bool IsLeader => Leader == Self;

    /// <summary>
    /// The term in which this member leads, or last did: who sees another one than before has seen two leaderships, and
    /// perhaps somebody else's in between. Zero is never.
    /// </summary>
    public Term Leadership => new(Volatile.Read(ref _leadership));

    /// <summary>The term in which this member believes that it leads; 0: it does not.</summary>
    public ulong LeadTerm => Volatile.Read(ref _leadTerm);

    /// <summary>The members as known here; the latest in the log, committed or not.</summary>
    public RaftConfiguration Configuration => _configuration;

    /// <summary>The leader with its address, if both are known here.</summary>
    public RaftMember? LeaderMember => Configuration.Find(Leader);

    /// <summary>The state machine has applied everything up to here.</summary>
    public LogIndex Applied => new(Volatile.Read(ref _applied));

    /// <summary>Handed out to be applied up to here: committed for certain.</summary>
    public LogIndex Committed => new(Volatile.Read(ref _committed));

    /// <summary>Starts a member.</summary>
    /// <param name="options">How it behaves.</param>
    /// <param name="store">Its disk, opened.</param>
    /// <param name="machine">Its state.</param>
    /// <param name="transport">To the others.</param>
    /// <param name="prng">For time-outs.</param>
    /// <exception cref="ArgumentException">The options are wrong.</exception>
    /// <exception cref="DistFsException">
    /// The store or its snapshot cannot be read, or commands may be larger than the store or a frame can take
    /// (<see cref="ErrorCatalog.Configuration"/>).
    /// </exception>
    public static RaftDriver Start(
        RaftDriverOptions options,
        RaftStore store,
        IReplicatedStateMachine machine,
        IRaftTransport transport,
        Prng prng)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(transport);
        options = options with
        {
            Store = store.Options,
            Raft = options.Raft with { EntryBytesMax = store.Options.EntryBytesMax },
        };
        if (options.Fault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(options));
        }

        if (options.Misfit() is { } misfit)
        {
            throw new DistFsException(ErrorCatalog.Configuration, misfit);
        }

        var driver = new RaftDriver(options, store, machine, transport, prng);
        foreach (var finding in store.Findings)
        {
            LogFinding(options.Logger, options.Raft.Self, finding);
        }

        LogStarted(options.Logger, options.Raft.Self, store.HardState, store.Compacted, store.Last, driver.Applied);
        transport.Follow(driver._configuration);
        driver._lanes = Task.WhenAll(
            driver.Run("raft-core", driver.RunCore),
            driver.Run("raft-disk", driver.RunDisk),
            driver.Run("raft-apply", driver.RunApply),
            driver.Run("raft-piece", driver.RunPieces));
        return driver;
    }

    /// <summary>
    /// Stops: what is under way ends as unknown, the disk's writes under way are finished, and a snapshot that is being
    /// made is given up. Nothing touches the store or the state machine afterwards.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        Stop();
        await _lanes.ConfigureAwait(false);

        // Only now: the disk lane may have begun to write one last of all.
        await _snapshotTask.ConfigureAwait(false);
        await _expiry.DisposeAsync().ConfigureAwait(false);
        try
        {
            EndOwnSnapshot();
            if (Volatile.Read(ref _failed) == 0)
            {
                _executor.Settle();
            }
        }
        finally
        {
            _metrics.Dispose();
            _stop.Dispose();
        }
    }

    private Task Run(string name, Action loop)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                loop();
            }
            catch (Exception error)
            {
                // Whatever it is: the core or the store is in an unknown state.
                Fail(error);
            }
            finally
            {
                ended.SetResult();
            }
        })
        {
            IsBackground = true,
            Name = $"{name}-{_options.Raft.Self}",
        };
        thread.Start();
        return ended.Task;
    }

    private void Stop()
    {
        if (_isStopping)
        {
            return;
        }

        _isStopping = true;
        _stop.Cancel();
        _core.Close();
        _disk.Close();
        _apply.Close();
        _pieces.Close();
        _proposals.Expire(long.MaxValue, Stopped);
        _reads.Expire(long.MaxValue, new ReadOutcome(CallStatus.NotLeader));
    }

    private void Fail(Exception error)
    {
        if (Interlocked.Exchange(ref _failed, 1) != 0)
        {
            return;
        }

        Stop();
        var reason = error as DistFsException ?? new DistFsException(
            ErrorCatalog.MemberStopped,
            $"Metaserver {Self} stopped itself: {error.GetType().Name}: {error.Message} Restart it; if it stops again, "
            + "keep its data folder and report the message.",
            error);
        LogFailed(_options.Logger, reason, Self, reason.Code.Id);
        _options.OnFailed(reason);
    }
}
