using DistFS.Client.Leases;
using DistFS.Primitives;

namespace DistFS.Client.Names;

/// <summary>A name of a path that was looked up.</summary>
/// <param name="Inode">What it stands for.</param>
/// <param name="Kind">What that is; never changes.</param>
/// <param name="Status">Its attributes; null if nobody asked for them.</param>
internal readonly record struct PathStep(InodeId Inode, FileKind Kind, FileStatus? Status);

/// <summary>
/// Names and attributes as they are known under read leases, and of which inodes a lease is worth to be had: those that
/// were looked at twice within ten seconds, and that nobody else has just changed. Pure: time is given; under the
/// caller's lock.
/// </summary>
/// <remarks>
/// Names were found on behalf of one user, under the leases of their directories: who may look there changes with the
/// attributes of these, which a lease covers, so a name that is known is one that this user may look up.
/// </remarks>
/// <param name="room">So many inodes and names at most; what was not looked at lately goes first.</param>
internal sealed class PathBook(int room)
{
    /// <summary>What is looked at again within this time is worth a lease.</summary>
    private const long AgainMs = 10_000;

    /// <summary>For so long nothing is asked for of what others want.</summary>
    private const long RefusedMs = 2_000;

    /// <summary>If so many are to be asked for already, nothing is added.</summary>
    private const int WantedMax = 4_096;

    private static readonly byte[] Parent = ".."u8.ToArray();

    // Two generations: what is used comes to the first; if that is half of the room, the second goes.
    private Dictionary<InodeId, Node> _recent = [];
    private Dictionary<InodeId, Node> _earlier = [];
    private int _taken;

    // Numbers what happens: what was asked for before a lease was granted says nothing about what holds under it.
    private ulong _clock;

    private enum NodeState
    {
        Seen,
        Asked,
        Leased,
    }

    /// <summary>Inodes and names that are known, or were seen.</summary>
    public int Count => _recent.Concat(_earlier).Sum(static one => one.Value.Weight);

    /// <summary>Leases under which nothing is known any more: to be released, by the caller, who clears it.</summary>
    public List<InodeId> Dropped { get; } = [];

    /// <summary>What a walk knows of a path without asking.</summary>
    /// <param name="at">From this directory on.</param>
    /// <param name="names">One or more.</param>
    /// <param name="needsStatus">Of the last one, attributes too.</param>
    /// <param name="isLeased">Whether there is a lease now.</param>
    /// <param name="steps">Gets the names that are known, up to a symbolic link.</param>
    /// <returns>ENOENT: the name behind these is not there; null: it is to be asked for; else it ended well.</returns>
    public FsStatus? Walk(
        InodeId at,
        IReadOnlyCollection<byte[]> names,
        bool needsStatus,
        Func<InodeId, bool> isLeased,
        List<PathStep> steps)
    {
        var left = names.Count;
        foreach (var name in names)
        {
            left--;
            if (Leased(at, isLeased)?.Names is not { } known || !known.TryGetValue(name, out var child))
            {
                return null;
            }

            if (child.Inode == default)
            {
                return FsStatus.NotFound;
            }

            var status = left == 0 && needsStatus ? StatusOf(child.Inode, isLeased) : null;
            if (left == 0 && needsStatus && status == null)
            {
                return null;
            }

            steps.Add(new PathStep(child.Inode, child.Kind, status));
            if (child.Kind == FileKind.SymbolicLink)
            {
                break;
            }

            at = child.Inode;
        }

        return FsStatus.Ok;
    }

    /// <summary>Attributes, if they are known; null: they are to be asked for.</summary>
    public FileStatus? StatusOf(InodeId inode, Func<InodeId, bool> isLeased) => Leased(inode, isLeased)?.Status;

    /// <summary>Something is asked for; what was granted before holds for the answer.</summary>
    /// <returns>For <see cref="Learn"/>.</returns>
    public ulong Begin() => ++_clock;

    /// <summary>A walk was answered.</summary>
    /// <param name="begun">As <see cref="Begin"/> said before it was asked for.</param>
    /// <param name="at">From this directory on.</param>
    /// <param name="names">What was asked for.</param>
    /// <param name="found">As many of them as there are.</param>
    /// <param name="status">How it ended.</param>
    /// <param name="needsStatus">Whether the attributes of the last one were wanted.</param>
    /// <param name="nowMs">Now.</param>
    /// <param name="wanted">Gets the inodes of which leases are to be asked for, each with its number.</param>
    public void Learn(
        ulong begun,
        InodeId at,
        IReadOnlyList<byte[]> names,
        IReadOnlyList<FileStatus> found,
        FsStatus status,
        bool needsStatus,
        long nowMs,
        List<(InodeId Inode, ulong Ask)> wanted)
    {
        for (var i = 0; i < found.Count; i++)
        {
            var child = found[i];
            See(at, nowMs, wanted);
            Know(begun, at, names[i], new Name(child.Inode, child.Kind));
            if (Find(child.Inode) is { State: NodeState.Leased } node && node.Since < begun)
            {
                node.Status = child;
            }

            at = child.Inode;
            if (child.IsSymbolicLink)
            {
                // The metaservers follow none: what comes behind it is said by another walk.
                return;
            }
        }

        if (found.Count < names.Count)
        {
            See(at, nowMs, wanted);
            if (status == FsStatus.NotFound)
            {
                Know(begun, at, names[found.Count], default);
            }
        }
        else if (needsStatus)
        {
            See(at, nowMs, wanted);
        }
    }

    /// <summary>A lease that was asked for is there, or not.</summary>
    /// <param name="inode">Of which inode.</param>
    /// <param name="ask">Its number.</param>
    /// <param name="lease">What was granted.</param>
    /// <param name="status">Attributes under it; null if they were not told.</param>
    /// <param name="nowMs">Now.</param>
    /// <returns>False: it is of no use any more.</returns>
    public bool Answered(InodeId inode, ulong ask, LeaseMode lease, FileStatus? status, long nowMs)
    {
        if (Find(inode) is not { State: NodeState.Asked } node || node.Ask != ask)
        {
            return false;
        }

        if (lease == LeaseMode.None)
        {
            (node.State, node.NotBeforeMs) = (NodeState.Seen, nowMs + RefusedMs);
            return true;
        }

        (node.State, node.Since, node.Status) = (NodeState.Leased, ++_clock, status);
        return true;
    }

    /// <summary>Whether that lease is still asked for.</summary>
    public bool IsAsked(InodeId inode, ulong ask) =>
        (_recent.GetValueOrDefault(inode) ?? _earlier.GetValueOrDefault(inode)) is { State: NodeState.Asked } node
        && node.Ask == ask;

    /// <summary>Somebody else wants it: nothing is known of it any more, and nothing is learned for a while.</summary>
    public void Forget(InodeId inode, long nowMs)
    {
        if (Find(inode) != null)
        {
            _earlier.Remove(inode);
            _recent[inode] = new Node { SeenMs = nowMs, NotBeforeMs = nowMs + RefusedMs };
        }
    }

    /// <summary>Nothing is known any more.</summary>
    public void ForgetAll()
    {
        _recent.Clear();
        _earlier.Clear();
        Dropped.Clear();
        _taken = 0;
    }

    private void Know(ulong begun, InodeId directory, byte[] name, Name child)
    {
        // What '..' is changes when the directory is moved, by a change of others.
        if (Find(directory) is not { State: NodeState.Leased } node || node.Since >= begun
            || NameComparer.Instance.Equals(name, Parent))
        {
            return;
        }

        node.Names ??= new Dictionary<byte[], Name>(NameComparer.Instance);
        if (node.Names.Count >= room / 4)
        {
            node.Names.Clear();
        }

        if (node.Names.TryAdd(name, child))
        {
            Take(1);
        }
        else
        {
            node.Names[name] = child;
        }
    }

    private void See(InodeId inode, long nowMs, List<(InodeId Inode, ulong Ask)> wanted)
    {
        if (Find(inode) is not { } node)
        {
            _recent[inode] = new Node { SeenMs = nowMs };
            Take(1);
            return;
        }

        if (node.State == NodeState.Seen && nowMs - node.SeenMs < AgainMs && nowMs >= node.NotBeforeMs
            && wanted.Count < WantedMax)
        {
            (node.State, node.Ask) = (NodeState.Asked, ++_clock);
            wanted.Add((inode, node.Ask));
        }

        node.SeenMs = nowMs;
    }

    /// <summary>What is known under a lease that there is now.</summary>
    private Node? Leased(InodeId inode, Func<InodeId, bool> isLeased)
    {
        if (Find(inode) is not { State: NodeState.Leased } node)
        {
            return null;
        }

        if (isLeased(inode))
        {
            return node;
        }

        // The metaservers were not heard for too long. What was known is not known any more, and if the lease is there
        // all the same, it is of no use.
        _earlier.Remove(inode);
        _recent[inode] = new Node { SeenMs = node.SeenMs };
        Dropped.Add(inode);
        return null;
    }

    private Node? Find(InodeId inode)
    {
        if (_recent.TryGetValue(inode, out var node))
        {
            return node;
        }

        if (_earlier.Remove(inode, out node))
        {
            _recent[inode] = node;
            Take(node.Weight);
        }

        return node;
    }

    private void Take(int more)
    {
        _taken += more;
        if (_taken <= room / 2)
        {
            return;
        }

        Dropped.AddRange(
            _earlier.Where(static one => one.Value.State == NodeState.Leased).Select(static one => one.Key));
        (_earlier, _recent, _taken) = (_recent, [], 0);
    }

    /// <summary>What a name stands for; without an inode: nothing.</summary>
    private readonly record struct Name(InodeId Inode, FileKind Kind);

    private sealed class Node
    {
        public NodeState State { get; set; }

        public long SeenMs { get; set; }

        public long NotBeforeMs { get; set; }

        public ulong Ask { get; set; }

        /// <summary>The lease was granted then.</summary>
        public ulong Since { get; set; }

        public FileStatus? Status { get; set; }

        public Dictionary<byte[], Name>? Names { get; set; }

        public int Weight => 1 + (Names?.Count ?? 0);
    }
}
