using System.Diagnostics;
using DistFS.Metadata;
using DistFS.Metadata.Chunks;
using DistFS.Metadata.Locks;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Metaserver.Chunks;
using DistFS.Metaserver.Consensus;
using DistFS.Native;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.State;

/// <summary>
/// The metadata of one member: the state machine over RocksDB, as the driver wants it, and reads of it for any thread
/// (docs/design/metaserver.md).
/// </summary>
public sealed class MetadataState : IReplicatedStateMachine, IMetadataRows, IDisposable
{
    /// <summary>The engine's folder in a metaserver's data folder.</summary>
    internal const string StateFolder = "state";

    private const string IncomingFolder = "incoming";
    private const string OutgoingFolder = "outgoing";
    private const string RemovedFolder = "removed";

    private readonly string _folder;
    private readonly ClusterId _cluster;
    private readonly StateOptions _options;

    // Readers, and whoever replaces the store under them.
    private readonly ReaderWriterLockSlim _gate = new();
    private readonly SharedViews _views = new();
    private RocksStore _store;
    private MetadataMachine _machine;
    private readonly long _openedAt = Stopwatch.GetTimestamp();
    private readonly List<LockGrant> _granted = [];
    private ulong _applied;
    private bool _isDisposed;

    /// <summary>Written once in the life of a cluster, so what was read stays right.</summary>
    private Boxed<ClusterRow>? _clusterRow;

    private MetadataState(string folder, ClusterId cluster, StateOptions options)
    {
        (_folder, _cluster, _options) = (folder, cluster, options);
        (_store, _machine) = OpenStore(Path.Combine(folder, StateFolder));
        _applied = _machine.AppliedIndex.Value;
    }

    /// <summary>Is told which chunks were changed, on the apply lane; null: nobody plans here.</summary>
    internal ChunkFeed? Chunks { get; set; }

    /// <summary>Whether the engine compacts what it has; apply lane.</summary>
    internal bool Compacts => _store.Compacts;

    /// <inheritdoc/>
    public LogIndex AppliedIndex => new(Volatile.Read(ref _applied));

    /// <summary>
    /// Is told the time of the last entry, whenever entries were published; and now, of the last so far.
    /// </summary>
    internal Action<FileTime> OnTime
    {
        private get;
        set
        {
            field = value;
            value(_machine.Time);
        }
    } = static _ => { };

    /// <summary>
    /// Is told the locks that were granted to those who waited, when readers see that; on the apply lane.
    /// </summary>
    internal Action<IReadOnlyList<LockGrant>> OnLocksGranted { private get; set; } = static _ => { };

    /// <summary>Opens the state of a member, or begins an empty one.</summary>
    /// <param name="folder">The member's data folder, locked by the caller.</param>
    /// <param name="cluster">Whose state it has to be.</param>
    /// <param name="options">What it may use.</param>
    /// <exception cref="DistFsException">It cannot be used; the message says why.</exception>
    public static MetadataState Open(string folder, ClusterId cluster, StateOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options ??= new StateOptions();
        if (options.Fault() is { } fault)
        {
            throw new DistFsException(ErrorCatalog.Configuration, fault);
        }

        // The engine makes a checkpoint under a name with .tmp behind it.
        foreach (var leftover in new[] { IncomingFolder, OutgoingFolder, OutgoingFolder + ".tmp", RemovedFolder })
        {
            Remove(Path.Combine(folder, leftover));
        }

        return new MetadataState(folder, cluster, options);
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Apply(RaftEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Kind == EntryKind.Command)
        {
            var reply = _machine.Apply(entry.Index, entry.Data.Span);
            _granted.AddRange(_machine.LockGrants);
            return reply;
        }

        _machine.Skip(entry.Index);
        return default;
    }

    /// <inheritdoc/>
    public void Publish()
    {
        _views.BeginChange();
        _machine.Flush();
        _views.Forget();
        Volatile.Write(ref _applied, _machine.AppliedIndex.Value);
        OnTime(_machine.Time);
        if (_granted.Count > 0)
        {
            OnLocksGranted(_granted);
            _granted.Clear();
        }

        if (!_store.Compacts && Stopwatch.GetElapsedTime(_openedAt) > _options.CompactsAfter)
        {
            _store.BeginCompacting();
        }
    }

    /// <inheritdoc/>
    public ISnapshotSource BeginSnapshot()
    {
        Publish();
        var folder = Path.Combine(_folder, OutgoingFolder);
        Remove(folder);
        _store.Checkpoint(folder);
        return new View(folder);
    }

    /// <inheritdoc/>
    public void Restore(Stream snapshot, SnapshotMeta meta)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(meta);
        var incoming = Path.Combine(_folder, IncomingFolder);
        Remove(incoming);
        Directory.CreateDirectory(incoming);
        StateStream.Read(snapshot, incoming);

        // What cannot be used is found before anything is removed for it.
        var (store, machine) = OpenStore(incoming);
        store.Dispose();
        Check.That(machine.AppliedIndex == meta.Last.Index);
        _gate.EnterWriteLock();
        try
        {
            _views.Forget();
            _store.Dispose();

            // Renamed first: a crash must not leave half of it under its name.
            var removed = Path.Combine(_folder, RemovedFolder);
            Remove(removed);
            Directory.Move(Path.Combine(_folder, StateFolder), removed);
            Directory.Move(incoming, Path.Combine(_folder, StateFolder));
            Posix.FsyncDirectory(_folder);
            Remove(removed);
            (_store, _machine) = OpenStore(Path.Combine(_folder, StateFolder));
            Volatile.Write(ref _applied, _machine.AppliedIndex.Value);
            OnTime(_machine.Time);
            Chunks?.Lose();
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    /// <summary>
    /// Reads what was published, as of one moment, on the caller's thread. The read must be granted first
    /// (<see cref="RaftDriver.ReadAsync"/>) if it is to see what others were told.
    /// </summary>
    public TResult Read<TArgument, TResult>(TArgument argument, Func<IOrderedStore, TArgument, TResult> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        _gate.EnterReadLock();
        try
        {
            using var view = _views.Take(_store);
            return read(view, argument);
        }
        finally
        {
            _gate.ExitReadLock();
        }
    }

    /// <summary>As <see cref="Read"/>, of the tree; null before the cluster's first entry.</summary>
    public TResult ReadTree<TArgument, TResult>(TArgument argument, Func<MetadataView?, TArgument, TResult> read) =>
        Read((State: this, Argument: argument, Read: read), static (store, asked) =>
        {
            var cluster = asked.State._clusterRow ??= Find(store);
            return asked.Read(
                cluster == null ? null : MetadataView.Open(store, cluster.Value), asked.Argument);
        });

    /// <summary>Memory of the engine: cache, buffers and indexes.</summary>
    public long EngineMemoryBytes
    {
        get
        {
            _gate.EnterReadLock();
            try
            {
                return _store.MemoryBytes;
            }
            finally
            {
                _gate.ExitReadLock();
            }
        }
    }

    /// <summary>After the driver has ended: makes what was applied durable, so that the next start is quick.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _views.Forget();
        _store.Flush();
        _store.Dispose();
        _gate.Dispose();
    }

    private static Boxed<ClusterRow>? Find(IOrderedStore store) =>
        ClusterRow.Find(new Changes(store)) is { } row ? new Boxed<ClusterRow>(row) : null;

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Written already, and no view from before is shared: who hears of it sees it.</summary>
    private void Changed(ChunkChanges changes) => Chunks?.Add(changes);

    private (RocksStore Store, MetadataMachine Machine) OpenStore(string folder)
    {
        var store = RocksStore.Open(folder, _options);
        try
        {
            var machine = new MetadataMachine(store) { OnChunksChanged = Changed };
            if (machine.Cluster is { } cluster && cluster != _cluster)
            {
                throw new DistFsException(
                    ErrorCatalog.StateRefused,
                    $"{folder} is of cluster {cluster}, this metaserver is of {_cluster}.");
            }

            return (store, machine);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    private sealed record Boxed<T>(T Value);

    private sealed class View(string folder) : ISnapshotSource
    {
        private bool _isDisposed;

        public void WriteTo(Stream destination) => StateStream.Write(folder, destination);

        public void Dispose()
        {
            // A second time there may be another one's files.
            if (!_isDisposed)
            {
                _isDisposed = true;
                Remove(folder);
            }
        }
    }
}
