using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <summary>
/// An inode that the kernel or a program knows, and what is cached of it under its lease. Everything under its gate,
/// which is never held over a wait.
/// </summary>
internal sealed class VfsNode(InodeId inode)
{
    private static readonly InodeId ToBeAsked = new(ulong.MaxValue);

    private Dictionary<byte[], InodeId>? _names;
    private int _uses;
    private int _givingUp;
    private TaskCompletionSource? _unused;

    public Lock Gate { get; } = new();

    public InodeId Inode { get; } = inode;

    /// <summary>Under the lease, with what was written here and not sent; null: it is asked for.</summary>
    public FileStatus? Known { get; set; }

    /// <summary>Whether all names of the directory are in the cache: what is not there does not exist.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>
    /// Changes when something of it changed, or may have: what was asked for before is not put into the cache.
    /// </summary>
    public long Stamp { get; private set; }

    /// <summary>How often the kernel was told of it, and has not forgotten it.</summary>
    public ulong Lookups { get; set; }

    /// <summary>Of a regular file that is open or has something to send.</summary>
    public VfsFile? File { get; set; }

    /// <summary>
    /// Of a directory: until when the kernel keeps names that it was told, in the clock's time stamps.
    /// </summary>
    public long NamesToldUntil { get; set; }

    /// <summary>Of a directory: until then it is taken for one that others use too.</summary>
    public long SharedUntil { get; set; }

    /// <summary>When the kernel was told last what it is, in the clock's time stamps: it may be about to open it.
    /// </summary>
    public long ToldAt { get; set; }

    /// <summary>Its lease is being given up: nothing is told under it any more.</summary>
    public bool IsGivingUp => _givingUp > 0;

    /// <summary>When it was asked for last, by a count of all; the oldest is forgotten first.</summary>
    public long UsedAt { get; set; }

    /// <summary>Something is told under the lease, until <see cref="EndUse"/>.</summary>
    public void BeginUse() => _uses++;

    /// <summary>It was told.</summary>
    public void EndUse()
    {
        TaskCompletionSource? unused = null;
        lock (Gate)
        {
            if (--_uses == 0)
            {
                (unused, _unused) = (_unused, null);
            }
        }

        unused?.TrySetResult();
    }

    /// <summary>Nothing more is told under the lease; ends when what is being told was.</summary>
    public Task BeginGivingUp()
    {
        lock (Gate)
        {
            _givingUp++;
            if (_uses == 0)
            {
                return Task.CompletedTask;
            }

            _unused ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _unused.Task;
        }
    }

    /// <summary>The lease is given up.</summary>
    public void EndGivingUp()
    {
        lock (Gate)
        {
            _givingUp--;
        }
    }

    /// <summary>Nothing is known any more.</summary>
    /// <returns>The names that were.</returns>
    public List<byte[]> Forget()
    {
        lock (Gate)
        {
            Stamp++;
            Known = null;
            IsComplete = false;
            List<byte[]> names = _names == null ? [] : [.. _names.Keys];
            _names = null;
            return names;
        }
    }

    /// <summary>It is changed, or was: attributes and what is being asked for do not count.</summary>
    public void Changed()
    {
        lock (Gate)
        {
            Stamp++;
            Known = null;
        }
    }

    /// <summary>What a name stands for, as far as that is known; 0: nothing.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out InodeId found)
    {
        found = default;
        return _names != null && _names.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out found)
            ? found != ToBeAsked : IsComplete;
    }

    /// <summary>Learns what a name stands for; 0: nothing.</summary>
    public void Learn(ReadOnlySpan<byte> name, InodeId found)
    {
        _names ??= new Dictionary<byte[], InodeId>(NameComparer.Instance);
        _names.GetAlternateLookup<ReadOnlySpan<byte>>()[name] = found;
    }

    /// <summary>
    /// What a name stands for is to be asked again: it goes, or stands for something else. It stays among those that
    /// the kernel has to forget, which may have it, and keeps it in a rename.
    /// </summary>
    public void Unlearn(ReadOnlySpan<byte> name) => Learn(name, ToBeAsked);

    /// <summary>All names are known.</summary>
    public void Complete() => IsComplete = true;

    /// <summary>Names as bytes.</summary>
    private sealed class NameComparer
        : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly NameComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] name) => GetHashCode(name.AsSpan());

        public bool Equals(ReadOnlySpan<byte> name, byte[] other) => name.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> name)
        {
            var hash = default(HashCode);
            hash.AddBytes(name);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> name) => name.ToArray();
    }
}
