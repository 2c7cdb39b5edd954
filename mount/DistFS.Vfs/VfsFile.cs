using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <summary>
/// A regular file as long as a program has it open, or something of it is to be sent: one for all opens of this mount.
/// </summary>
/// <remarks>
/// Under a lease to write there is a writer, which sends what it is given by itself; what it has is in
/// <see cref="Overlay"/>. Without one, each write has a writer of its own, and closes it before it is answered.
/// </remarks>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design",
    "CA1001:Types that own disposable fields should be disposable",
    Justification = "A semaphore whose wait handle nobody asks for has nothing to dispose of.")]
internal sealed partial class VfsFile(VfsMount mount, VfsNode node)
{
    /// <summary>Without a lease another client may begin to write at any moment: so often it is written anew.</summary>
    private const int AttemptsMax = 16;

    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan PauseMax = TimeSpan.FromMilliseconds(200);

    // What is under it ends without others: whoever gives a lease up needs it, and others wait for that.
    private readonly SemaphoreSlim _turn = new(1);

    // Writes without a lease.
    private readonly SemaphoreSlim _alone = new(1);

    // Under the turn.
    private NodeOpen? _open;
    private DistFsFile? _writer;
    private DistFsFile? _reader;
    private bool _isDirty;

    // After fdatasync: the metaservers do not know when it was written.
    private bool _isUntold;

    // Under the node's gate: what was written here, and the metaservers do not know yet.
    private long _end;
    private long _added;
    private FileTime? _modified;
    private FileTime? _changed;
    private bool _isWritten;
    private bool _isHere;

    // What the reader was made with.
    private long _readerStamp;
    private int _isKeeping;

    private TaskCompletionSource _lockLeft = NewSignal();

    // An error that no program was told of yet, and how many there were.
    private FsStatus _error;
    private long _errors;

    /// <summary>Processes that have locked ranges of it.</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<ulong, byte> Owners { get; } = [];

    /// <summary>What the kernel reads of it just now.</summary>
    public ReadOrder Reads { get; } = new();

    /// <summary>Programs that have it open. Under the node's gate.</summary>
    public int Opens { get; set; }

    /// <summary>Who keeps it for a moment, whether anybody has it open or not. Under the node's gate.</summary>
    public int Keeps { get; set; }

    /// <summary>Whether the metaservers know that it is open here.</summary>
    public bool IsRegistered => _open is { IsLost: false };

    /// <summary>Whether something was written here that the metaservers do not know. Under the node's gate.</summary>
    public bool IsWritten => _isWritten;

    /// <summary>Whether nothing of it is here, nor open.</summary>
    public bool IsClosed => _open == null && _writer == null && _here == null;

    /// <summary>One at a time looks whether something is to be sent.</summary>
    public bool TryBeginKeeping() => Interlocked.Exchange(ref _isKeeping, 1) == 0;

    /// <summary>It was looked at.</summary>
    public void EndKeeping() => Volatile.Write(ref _isKeeping, 0);

    /// <summary>So many errors of writes that were told as done: an open that has heard of fewer is told.</summary>
    public (long Count, FsStatus Last) Errors
    {
        get
        {
            lock (node.Gate)
            {
                return (_errors, _error);
            }
        }
    }

    /// <summary>What the metaservers tell, with what was written since.</summary>
    public FileStatus Overlay(FileStatus told) => !_isWritten ? told : told with
    {
        Size = _isHere ? _end : Math.Max(told.Size, _end),
        Allocated = _isHere ? _end : told.Allocated + _added,
        ModifyTime = _modified ?? told.ModifyTime,
        ChangeTime = _changed is { } changed && changed > told.ChangeTime ? changed : told.ChangeTime,
    };

    /// <summary>The file was made by this open.</summary>
    public void Begin(NodeOpen open) => _open = open;

    /// <summary>The metaservers know that it is open here: it stays when it loses its last name.</summary>
    public async Task RegisterAsync(CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await OpenAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>An open at the metaservers, by which locks are asked for.</summary>
    public async Task<NodeOpen> OpenedAsync(CancellationToken cancellation)
    {
        await RegisterAsync(cancellation).ConfigureAwait(false);
        return _open!;
    }

    /// <summary>Reads what is there, with all that was written here.</summary>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> into, CancellationToken cancellation)
    {
        DistFsFile source;
        long stamp;
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            DropLost();
            if (_here != null && (_isDirty || IsHeld(LeaseMode.Read)))
            {
                return _here.Read(offset, into.Span);
            }

            if (_open is { IsLost: true })
            {
                // Of a session that is over: another one goes on where it was.
                await OpenAsync(cancellation).ConfigureAwait(false);
            }

            if (_writer == null && TryReadKept(offset, into.Span, out var kept))
            {
                return kept;
            }

            source = _writer ?? Reader();
            stamp = source == _reader ? _readerStamp : -1;
        }
        finally
        {
            _turn.Release();
        }

        await mount.SentAsync(node, cancellation).ConfigureAwait(false);
        if (stamp >= 0)
        {
            await mount.FetchContentAsync(node, cancellation).ConfigureAwait(false);
            if (TryReadKept(offset, into.Span, out var fetched))
            {
                return fetched;
            }
        }

        var count = await source.ReadAsync(offset, into, cancellation).ConfigureAwait(false);
        if (offset == 0 && count is > 0 and <= NodeChange.ContentBytesMax && stamp >= 0)
        {
            mount.KeepContent(node, into[..count].ToArray(), stamp);
        }

        return count;
    }

    /// <summary>All of a short file, as it was told or written here.</summary>
    private bool TryReadKept(long offset, Span<byte> into, out int count)
    {
        count = 0;
        lock (node.Gate)
        {
            if (node.Content is not { } content || !mount.Holds(node, LeaseMode.Read))
            {
                return false;
            }

            if (offset < content.Length)
            {
                var rest = content.AsSpan((int)offset);
                count = Math.Min(rest.Length, into.Length);
                rest[..count].CopyTo(into);
            }

            node.IsContentUsed = true;
            return true;
        }
    }

    /// <summary>Under the turn: one that knows where the bytes are as of now.</summary>
    private DistFsFile Reader()
    {
        lock (node.Gate)
        {
            if (!mount.Holds(node, LeaseMode.Read))
            {
                _reader = null;
                return mount.Cluster.ContentOf(node.Inode, _open);
            }

            if (_reader == null || _readerStamp != node.Stamp)
            {
                (_reader, _readerStamp) = (mount.Cluster.ContentOf(node.Inode, _open), node.Stamp);
            }

            return _reader;
        }
    }

    /// <summary>A lock of the whole file was left by an open of this mount.</summary>
    public void LockLeft() => Interlocked.Exchange(ref _lockLeft, NewSignal()).TrySetResult();

    /// <summary>
    /// The next one. The kernel tells of the last close of an open only after it has ended, so whoever asks for a lock
    /// right behind it finds it held for a moment.
    /// </summary>
    public Task NextLockLeft => Volatile.Read(ref _lockLeft).Task;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool IsHeld(LeaseMode mode)
    {
        lock (node.Gate)
        {
            return mount.Holds(node, mode);
        }
    }

    private async Task OpenAsync(CancellationToken cancellation)
    {
        if (_open is not { IsLost: false })
        {
            // What was written in a session that is over is lost, and was told to be.
            if (_writer is { } lost)
            {
                await lost.AbandonAsync(cancellation).ConfigureAwait(false);
                lock (node.Gate)
                {
                    (_error, _errors) = _isDirty ? (FsStatus.IoError, _errors + 1) : (_error, _errors);
                    Sent();
                    node.Changed();
                }

                _isDirty = false;
            }

            (_writer, _reader) = (null, null);
            await mount.SentAsync(node, cancellation).ConfigureAwait(false);
            _open = await mount.Cluster.OpenAsync(node.Inode, cancellation).ConfigureAwait(false);
        }
    }
}
