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

    private Dictionary<byte[], (InodeId Inode, FileKind Kind)>? _names;
    private HashSet<VfsNode>? _owned;

    // Of a directory: what is no directory in it, as names were learned; of how many names; and how far it was used.
    private ulong[] _row = [];
    private int _rowOf;
    private int _rowAt;
    private int _uses;
    private int _givingUp;
    private TaskCompletionSource? _unused;

    public Lock Gate { get; } = new();

    public InodeId Inode { get; } = inode;

    /// <summary>Under the lease, with what was written here and not sent; null: it is asked for.</summary>
    public FileStatus? Known { get; set; }

    /// <summary>
    /// Of a short regular file: all that is in it, under the lease, with what was written here. Never changed, but
    /// replaced. Null: it is asked for.
    /// </summary>
    public byte[]? Content { get; set; }

    /// <summary>Of a regular file: the directory in which it was found last; null: not known.</summary>
    public VfsNode? FoundIn { get; set; }

    /// <summary>
    /// Of a directory: contents of files in it that were asked for one soon behind the other, and when the last was, in
    /// the clock's time stamps.
    /// </summary>
    public (int Count, long At) ContentsAsked { get; set; }

    /// <summary>At that <see cref="Stamp"/> its content did not stand in the metadata; negative: that is not known.
    /// </summary>
    public long NoContentAt { get; set; } = -1;

    /// <summary>Its content was read since it was looked at last (<see cref="ContentCache"/>).</summary>
    public bool IsContentUsed { get; set; }

    /// <summary>Whether all names of the directory are in the cache: what is not there does not exist.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>
    /// Changes when something of it changed, or may have: what was asked for before is not put into the cache.
    /// </summary>
    public long Stamp { get; private set; }

    /// <summary>
    /// Changes when names may have changed elsewhere: what was asked for before is not learned. What is changed here is
    /// known, and does not count.
    /// </summary>
    public long NamesStamp { get; private set; }

    /// <summary>Of a directory: as it was known last. Who has it open may look at it when it is gone.</summary>
    public FileStatus? Last { get; set; }

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
    public bool IsGivingUp => Volatile.Read(ref _givingUp) > 0;

    /// <summary>
    /// The directory in which it was made here: nobody finds it but through that one, so who has that one under a lease
    /// to write has this one too. Null: it has leases of its own, or none.
    /// </summary>
    public VfsNode? Owner { get; set; }

    /// <summary>The last change of it that was made here and is sent later (<see cref="ChangeJournal"/>); 0: none.
    /// </summary>
    public long ChangedAt { get; set; }

    /// <summary>
    /// Requests that change it at the metaservers just now: nothing is changed here meanwhile, or the order would be
    /// another there.
    /// </summary>
    public int Directs { get; set; }

    /// <summary>Of a directory: before that no lease to write is asked for, in the clock's time stamps.</summary>
    public long HereFrom { get; set; }

    /// <summary>Of a directory: in which one it is; 0: not known.</summary>
    public InodeId Parent { get; set; }

    /// <summary>Of a directory: removals here in a row, by which leases of what is removed are asked for.</summary>
    public int Removals { get; set; }

    /// <summary>It has lost its last name here, and nobody had it open.</summary>
    public bool IsRemoved { get; set; }

    /// <summary>Changes of it that were told as made and could not be.</summary>
    public (long Count, FsStatus Last) Errors { get; set; }

    /// <summary>What was made in it and has no lease of its own. Under the gate.</summary>
    public IReadOnlyCollection<VfsNode> Owned => _owned ?? (IReadOnlyCollection<VfsNode>)[];

    /// <summary>Something was made in it.</summary>
    public void Own(VfsNode made) => (_owned ??= []).Add(made);

    /// <summary>It has a lease of its own, or is forgotten.</summary>
    public void Disown(VfsNode made) => _owned?.Remove(made);

    /// <summary>It is not remembered any more; another one may be in its place.</summary>
    public bool IsGone { get; set; }

    /// <summary>Under the gate: something is being told under its lease.</summary>
    public bool IsUsed => _uses > 0;

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
            NamesStamp++;
            (Known, Content) = (null, null);
            IsComplete = false;
            List<byte[]> names = _names == null ? [] : [.. _names.Keys];
            (_names, _row, _rowOf, _rowAt) = (null, [], 0, 0);
            return names;
        }
    }

    /// <summary>It is changed, or was: attributes and what is being asked for do not count.</summary>
    public void Changed()
    {
        lock (Gate)
        {
            Stamp++;
            NamesStamp++;
            (Known, Content) = (null, null);
        }
    }

    /// <summary>It was changed here, under a lease to write: so it is now.</summary>
    public void ChangedHere(FileStatus now)
    {
        lock (Gate)
        {
            Stamp++;
            Known = now;
            Last = now.IsDirectory ? now : null;
        }
    }

    /// <summary>What a name stands for, as far as that is known; 0: nothing.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out InodeId found)
    {
        if (_names != null && _names.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var known))
        {
            found = known.Inode;
            return found != ToBeAsked;
        }

        found = default;
        return IsComplete;
    }

    /// <summary>Learns what a name stands for; 0: nothing.</summary>
    public void Learn(ReadOnlySpan<byte> name, InodeId found, FileKind kind)
    {
        _names ??= new(NameComparer.Instance);
        _names.GetAlternateLookup<ReadOnlySpan<byte>>()[name] = (found, kind);
    }

    /// <summary>
    /// A name went, here: the kernel knows that itself. Where all names are known nothing need be remembered of it.
    /// </summary>
    public void Lose(ReadOnlySpan<byte> name)
    {
        if (IsComplete)
        {
            _names?.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(name);
        }
        else
        {
            Learn(name, default, default);
        }
    }

    /// <summary>Learns it, unless the name was learned, or changed here, since it was asked for.</summary>
    public void LearnOnce(ReadOnlySpan<byte> name, InodeId found, FileKind kind)
    {
        if (_names == null || !_names.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var known)
            || known.Inode == ToBeAsked)
        {
            Learn(name, found, kind);
        }
    }

    /// <summary>All names, if each is known.</summary>
    public List<(byte[] Name, InodeId Inode, FileKind Kind)>? Names()
    {
        if (!IsComplete)
        {
            return null;
        }

        List<(byte[] Name, InodeId Inode, FileKind Kind)> all = new(_names?.Count ?? 0);
        foreach (var (name, (inode, kind)) in _names ?? [])
        {
            if (inode == ToBeAsked)
            {
                return null;
            }

            if (inode.Value != 0)
            {
                all.Add((name, inode, kind));
            }
        }

        return all;
    }

    /// <summary>Some of what is in it that is no directory.</summary>
    public List<InodeId> FilesIn(int most, Func<InodeId, bool> isWanted)
    {
        List<InodeId> found = [];
        foreach (var (inode, kind) in _names?.Values ?? Enumerable.Empty<(InodeId Inode, FileKind Kind)>())
        {
            if (found.Count == most)
            {
                break;
            }

            if (kind != FileKind.Directory && inode.Value != 0 && inode != ToBeAsked && isWanted(inode))
            {
                found.Add(inode);
            }
        }

        return found;
    }

    /// <summary>
    /// Some of what comes behind a file of the directory and is no directory, in the order in which names were learned:
    /// of the next 256.
    /// </summary>
    public List<InodeId> FilesBehind(InodeId file, int most, Func<InodeId, bool> isWanted)
    {
        const int LookedAtMax = 256;
        var ahead = _row.AsSpan(_rowAt, Math.Min(LookedAtMax, _row.Length - _rowAt)).IndexOf(file.Value);
        var at = ahead >= 0 ? _rowAt + ahead : Array.IndexOf(_row, file.Value);
        if (at < 0 && _rowOf != (_names?.Count ?? 0))
        {
            (_row, _rowOf, _rowAt) = ([.. _names!.Values
                .Where(static one => one.Kind != FileKind.Directory)
                .Select(static one => one.Inode.Value)], _names.Count, 0);
            at = Array.IndexOf(_row, file.Value);
        }

        List<InodeId> found = [];
        if (at < 0)
        {
            return found;
        }

        _rowAt = at + 1;
        foreach (var next in _row.AsSpan(_rowAt, Math.Min(LookedAtMax, _row.Length - _rowAt)))
        {
            if (found.Count == most)
            {
                break;
            }

            if (next != 0 && next != ToBeAsked.Value && isWanted(new InodeId(next)))
            {
                found.Add(new InodeId(next));
            }
        }

        return found;
    }

    /// <summary>Whether there are no names; null: that is not known.</summary>
    public bool? IsEmpty() => Names() is { } names ? names.Count == 0 : null;

    /// <summary>
    /// What a name stands for is to be asked again: it goes, or stands for something else. It stays among those that
    /// the kernel has to forget, which may have it, and keeps it in a rename.
    /// </summary>
    public void Unlearn(ReadOnlySpan<byte> name) => Learn(name, ToBeAsked, default);

    /// <summary>All names were told: what was to be asked for and is not among them is not there.</summary>
    public void Complete()
    {
        IsComplete = true;
        foreach (var name in _names?.Where(static one => one.Value.Inode == ToBeAsked).ToList() ?? [])
        {
            _names![name.Key] = default;
        }
    }

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
