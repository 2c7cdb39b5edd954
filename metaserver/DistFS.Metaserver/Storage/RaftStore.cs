using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>
/// What a metaserver's Raft core needs on disk: hard state, log and snapshots, in one folder (docs/design/log.md).
/// </summary>
/// <remarks>
/// <para>One thread, the writer, calls what changes the store; <see cref="IRaftStorage"/>, <see cref="ReadPiece"/>
/// and <see cref="OpenSnapshot"/> may be used by any thread meanwhile. Nothing is durable before <see cref="Sync"/>,
/// except what says so.</para>
/// <para>After a failed change, every call but those of properties throws <see cref="StoreFailedException"/>: the
/// process must end. The lock of the folder against other processes is the shell's.</para>
/// </remarks>
public sealed partial class RaftStore : IRaftStorage, IDisposable
{
    private readonly StoreDisk _disk;
    private readonly RaftStoreOptions _options;
    private readonly Prng _prng;
    private readonly HardStateFile _hard;
    private readonly RaftLogFiles _log;
    private readonly SnapshotFiles _snapshots;

    /// <summary>Guards the two fields below, which are larger than what is read in one step.</summary>
    private readonly Lock _gate = new();
    private HardState _hardState;
    private (SnapshotMeta Meta, long ReceivedBytes)? _received;

    private IncomingFile? _incoming;
    private volatile StoreFailedException? _incomingFailure;

    private RaftStore(Parts parts, RaftStoreOptions options, Prng prng)
    {
        (_disk, Identity, _hard, _log, _snapshots, _incoming, Findings) = parts;
        (_options, _prng) = (options, prng);
        _hardState = _hard.State;
        ShowIncoming();
    }

    /// <summary>How it was opened.</summary>
    public RaftStoreOptions Options => _options;

    /// <summary>Whose store it is.</summary>
    public Identity Identity { get; }

    /// <summary>What opening found and did, for the log of the process; normally nothing.</summary>
    public IReadOnlyList<string> Findings { get; }

    /// <inheritdoc/>
    /// <remarks>As it was set last. On disk, the commit index is never after the last synced entry.</remarks>
    public HardState HardState
    {
        get
        {
            lock (_gate)
            {
                return _hardState;
            }
        }
    }

    /// <inheritdoc/>
    public EntryId Compacted => _log.Compacted;

    /// <inheritdoc/>
    public RaftConfiguration CompactedConfiguration => _log.CompactedConfiguration;

    /// <summary>The configuration in force at an entry between <see cref="Compacted"/> and the end of the log. The
    /// writer only.</summary>
    public RaftConfiguration ConfigurationAt(LogIndex index) => _log.ConfigurationAt(index);

    /// <inheritdoc/>
    public EntryId Last => _log.Last;

    /// <inheritdoc/>
    public bool IsWhole => _log.Promised == null;

    /// <inheritdoc/>
    public EntryId Promised => _log.Promised ?? _log.Last;

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The index is not inside the log.</exception>
    public Term TermAt(LogIndex index) => _log.TermAt(index);

    /// <inheritdoc/>
    /// <remarks>Entries that were appended and not synced are read too.</remarks>
    /// <exception cref="LogCorruptException">An entry does not match its checksum any more.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the log.</exception>
    public IReadOnlyList<RaftEntry> Read(LogIndex from, LogIndex last, long bytesMax) =>
        _log.Read(from, last, bytesMax);

    /// <summary>
    /// Sets the hard state. A new term or vote is durable after <see cref="Sync"/>; a new commit index alone is written
    /// when there is something else to write, or by <see cref="Sync"/>, and never waits for the disk.
    /// </summary>
    /// <exception cref="ArgumentException">The term is older than the last one, or the vote of a term
    /// changes.</exception>
    public void SetHardState(HardState state)
    {
        _disk.ThrowIfFailed();
        _hard.Set(state);
        lock (_gate)
        {
            _hardState = _hard.State;
        }
    }

    /// <summary>
    /// Adds entries; if the first one's index is not after the end of the log, the log is first cut off before it.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// They do not follow the log, are too large, or have a later term than the hard state.
    /// </exception>
    /// <exception cref="StoreFailedException">The disk failed or is full.</exception>
    public void Append(IReadOnlyList<RaftEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        _disk.ThrowIfFailed();
        if (entries.Count > 0)
        {
            _log.RequireFit(entries);
            Change(entries, static (store, entries) => store._log.Append(entries));
        }
    }

    /// <summary>
    /// Makes everything durable: a changed term or vote, entries, and pieces of a snapshot cost a sync of the disk
    /// each. Pieces that the disk refuses are dropped with their snapshot (<see cref="IncomingFailure"/>).
    /// </summary>
    /// <exception cref="StoreFailedException">The disk failed or is full.</exception>
    public void Sync()
    {
        _disk.ThrowIfFailed();
        Change(this, static (store, _) => store.SyncFiles());
    }

    /// <summary>
    /// Makes durable how far the log was synced, which otherwise reaches the disk some time later: to be called when
    /// nothing was appended for a while, and before the end. It narrows the one case in which damage looks like a torn
    /// write (docs/design/log.md).
    /// </summary>
    /// <exception cref="StoreFailedException">The disk failed or is full.</exception>
    public void Settle()
    {
        Sync();
        Change(_hard, static (_, hard) => hard.WriteSynced(hard.Written));
    }

    /// <summary>
    /// Lets the log start after <paramref name="index"/>, durably; files of which nothing is left are removed.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// It is not after <see cref="Compacted"/>, or is after the newest snapshot or the last synced entry.
    /// </exception>
    /// <exception cref="StoreFailedException">The disk failed or is full.</exception>
    public void CompactTo(LogIndex index)
    {
        _disk.ThrowIfFailed();
        if (index <= Compacted.Index || index > Last.Index || !(index <= Snapshot?.Last.Index))
        {
            throw new ArgumentException(
                $"Cannot compact to {index}: the log is {Compacted}..{Last}, the snapshot {Snapshot}.", nameof(index));
        }

        Change(index, static (store, index) => store._log.CompactTo(index));
    }

    /// <summary>Closes the files. Writes nothing: <see cref="Settle"/> comes first if all is well.</summary>
    public void Dispose()
    {
        _incoming?.Dispose();
        _snapshots.Dispose();
        _log.Dispose();
        _hard.Dispose();
    }

    /// <summary>
    /// Runs a change whose arguments are right. Whatever ends it, also what only failed to read, leaves the fields and
    /// the disk between two states, so nothing follows it.
    /// </summary>
    private void Change<T>(T argument, Action<RaftStore, T> change)
    {
        try
        {
            change(this, argument);
        }
        catch (Exception error)
        {
            _disk.Fail(error);
            throw;
        }
    }

    private void SyncFiles()
    {
        if (_hard.MustSync)
        {
            _hard.WriteSynced(_hard.Written);
        }

        try
        {
            _incoming?.Sync();
        }
        catch (SnapshotFailedException error)
        {
            DropIncoming(error);
        }

        _log.Sync();
    }

    private void ShowIncoming()
    {
        lock (_gate)
        {
            _received = _incoming == null ? null : (_incoming.Meta, _incoming.ReceivedBytes);
        }
    }
}
