using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <summary>
/// An inode that the kernel or a program knows, and what is cached of it under its lease. Everything under its gate,
/// which is never held over a wait.
/// </summary>
internal sealed partial class VfsNode(InodeId inode)
{
    private HashSet<VfsNode>? _owned;
    private UseCount _uses;
    private UseCount _loose;
    private int _givingUp;

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

    /// <summary>At that <see cref="Stamp"/> it had extended attributes, and no capability among them; negative: that is
    /// not known.</summary>
    public long NoCapabilityAt { get; set; } = -1;

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
    public bool IsUsed => _uses.IsAny;

    /// <summary>When it was asked for last, by a count of all; the oldest is forgotten first.</summary>
    public long UsedAt { get; set; }

    /// <summary>
    /// While its lease is given up: the kernel has forgotten its content, or need not. Who reads it now waits for the
    /// next lease. Under the gate.
    /// </summary>
    public bool IsForgotten { get; private set; }

    /// <summary>Something is told under the lease, until <see cref="EndUse"/>. Under the gate.</summary>
    public void BeginUse() => _uses.Begin();

    /// <summary>It was told.</summary>
    public void EndUse() => End(ref _uses);

    /// <summary>
    /// Content is told without a lease, until <see cref="EndLoose"/>: the kernel is made to forget it behind the
    /// answer. Under the gate.
    /// </summary>
    public void BeginLoose() => _loose.Begin();

    /// <summary>The kernel has forgotten it.</summary>
    public void EndLoose() => End(ref _loose);

    /// <summary>Nothing more is told under the lease; ends when what is being told was.</summary>
    public Task BeginGivingUp()
    {
        lock (Gate)
        {
            _givingUp++;
            return _uses.WhenNone();
        }
    }

    /// <summary>From here on who reads waits; ends when what was told without a lease is forgotten.</summary>
    public Task HoldReads()
    {
        lock (Gate)
        {
            IsForgotten = true;
            return _loose.WhenNone();
        }
    }

    /// <summary>The lease is given up.</summary>
    public void EndGivingUp()
    {
        lock (Gate)
        {
            IsForgotten &= --_givingUp > 0;
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
            (_names, _listing, _row, _rowOf, _rowAt) = (null, null, [], 0, 0);
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

    private void End(ref UseCount count)
    {
        TaskCompletionSource? waiting;
        lock (Gate)
        {
            waiting = count.End();
        }

        waiting?.TrySetResult();
    }
}
