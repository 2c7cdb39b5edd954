using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// Executes what the core wants done, in the order that <see cref="RaftReady"/> prescribes: messages that promise
/// nothing at once; then the disk; then what is true only afterwards; applying beside all that, and behind an installed
/// snapshot what follows it. No task, clock, file or lock: it calls its <see cref="IReadyHost"/>, which calls back on
/// the right lane.
/// </summary>
/// <remarks>
/// Who may call what is said at each member. An exception of the store leaves the executor unusable: the process ends.
/// </remarks>
public sealed partial class ReadyExecutor
{
    private readonly RaftStore _store;
    private readonly CoreStorage _view;
    private readonly ReadyPersister _persister;
    private readonly IReplicatedStateMachine _machine;
    private readonly IReadyHost _host;

    /// <summary>
    /// Puts the state machine to the store's snapshot if it is behind the log, and starts the core.
    /// </summary>
    /// <exception cref="ArgumentException">The options are wrong.</exception>
    /// <exception cref="SnapshotCorruptException">The snapshot is needed and damaged.</exception>
    public ReadyExecutor(
        RaftOptions options, RaftStore store, IReplicatedStateMachine machine, Prng prng, IReadyHost host)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(host);
        (_store, _machine, _host) = (store, machine, host);
        _view = new CoreStorage(store);
        _persister = new ReadyPersister(store);
        StartMachine();
        Core = new RaftCore(options, _view, prng, machine.AppliedIndex);
    }

    /// <summary>Core lane: the core. Its messages, proposals, reads and ticks come straight from the host.</summary>
    public RaftCore Core { get; }

    /// <summary>Apply lane: the last entry that was applied.</summary>
    public EntryId AppliedId { get; private set; }

    /// <summary>Core lane: takes one value of the core; what it promises nothing for leaves before this
    /// returns.</summary>
    public void Advance()
    {
        var ready = Core.TakeReady();
        for (var i = 0; i < ready.Events.Count; i++)
        {
            _host.OnEvent(ready.Events[i]);
        }

        for (var i = 0; i < ready.SendNow.Count; i++)
        {
            Send(ready.SendNow[i]);
        }

        if (ready.PassesDisk)
        {
            _host.QueueDisk(ready);
        }

        if (ready.Apply.Count > 0)
        {
            _host.QueueApply(new ApplyWork(ready.Apply, null));
        }

        for (var i = 0; i < ready.Reads.Count; i++)
        {
            _host.OnReadGranted(ready.Reads[i]);
        }

        for (var i = 0; i < ready.ReadsRefused.Count; i++)
        {
            _host.OnReadRefused(ready.ReadsRefused[i]);
        }
    }

    /// <summary>
    /// Disk lane: makes values durable, with one sync of the log. Nothing of them was told to anybody when it throws.
    /// </summary>
    /// <exception cref="StoreFailedException">The disk failed or is full: the process must end.</exception>
    public void Write(IReadOnlyList<RaftReady> batch)
    {
        Failpoints.Pass("raft.before-disk");
        _persister.Persist(batch);
        Failpoints.Pass("raft.after-disk");
    }

    /// <summary>Disk lane: lets out what was true only once <paramref name="batch"/> was on disk, which it
    /// is.</summary>
    public void Release(IReadOnlyList<RaftReady> batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Failpoints.Pass("raft.before-send-after");
        for (var i = 0; i < batch.Count; i++)
        {
            var ready = batch[i];
            if (ready.Install is { } meta && _store.Compacted.Index >= meta.Last.Index)
            {
                // Behind the entries from before it, ahead of those after it: the core hands out none until it hears
                // of this value below.
                _host.QueueApply(new ApplyWork([], meta));
            }

            for (var j = 0; j < ready.SendAfterPersist.Count; j++)
            {
                Send(ready.SendAfterPersist[j]);
            }
        }

        _host.QueuePersisted(batch[^1].Sequence);
        Failpoints.Pass("raft.after-send-after");
    }

    /// <summary>Core lane: what <see cref="IReadyHost.QueuePersisted"/> told.</summary>
    public void Persisted(ulong sequence) => Core.Persisted(sequence);

    /// <summary>Core lane: what <see cref="IReadyHost.QueueApplied"/> told.</summary>
    public void Applied(LogIndex index) => Core.Applied(index);

    /// <summary>Disk lane, when it has had nothing to do for a while, and at the end.</summary>
    public void Settle() => _store.Settle();

    /// <summary>
    /// Piece lane: reads the bytes that the core's message only names, and sends it with them. It waits for the disk,
    /// which the core's lane must not: its heartbeats and deadlines cannot wait.
    /// </summary>
    public void SendPiece(SnapshotPiece piece)
    {
        ArgumentNullException.ThrowIfNull(piece);
        try
        {
            var data = _store.ReadPiece(piece.Snapshot.Id, piece.Offset, piece.Length);
            _host.Send(piece with { Data = data });
        }
        catch (SnapshotGoneException)
        {
            // Newer ones took its place since the core made the message; it will begin with the newest.
            Failpoints.Pass("raft.snapshot-gone");
        }
        catch (DistFsException error) when (error is SnapshotCorruptException or StoreFailedException)
        {
            // A sector that cannot be read is damage like one that reads wrongly: this file is no good, and no promise
            // depends on it while the state machine can make another. Reading never ends the store; if a change has,
            // the disk lane meets that itself.
            _host.OnSnapshotDamaged(error);
        }
    }

    private void Send(RaftMessage message)
    {
        if (message is SnapshotPiece piece)
        {
            _host.QueuePiece(piece);
        }
        else
        {
            _host.Send(message);
        }
    }
}
