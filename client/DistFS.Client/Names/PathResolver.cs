using DistFS.Client.Cluster;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Client.Names;

/// <summary>
/// Pathname resolution (POSIX, 4.16): as many names as there are in one request, and one more for each symbolic link on
/// the way. What is known under leases is not asked for.
/// </summary>
/// <param name="channel">To the metaservers.</param>
/// <param name="session">Names the client's session; 0: there is none.</param>
/// <param name="cache">What is known; null: nothing is kept.</param>
internal sealed class PathResolver(MetadataChannel channel, Func<ulong> session, PathCache? cache)
{
    private const int LinksMax = 40;

    /// <summary>Of one request.</summary>
    private const int NamesMax = 256;

    private static readonly byte[] Parent = ".."u8.ToArray();

    /// <summary>What a path stands for.</summary>
    /// <param name="path">The path.</param>
    /// <param name="followsLast">Whether the last name, if it is a link, is followed.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">There is nothing, or it may not be looked at.</exception>
    public async Task<FileStatus> FindAsync(string path, bool followsLast, CancellationToken cancellation)
    {
        var found = await WalkAsync(path, PathName.NamesOf(path), followsLast, needsStatus: true, cancellation)
            .ConfigureAwait(false);
        return found.Status!;
    }

    /// <summary>As <see cref="FindAsync"/>; null if there is no such name.</summary>
    public async Task<FileStatus?> TryFindAsync(string path, bool followsLast, CancellationToken cancellation)
    {
        try
        {
            return await FindAsync(path, followsLast, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e) when (e.Status == FsStatus.NotFound)
        {
            return null;
        }
    }

    /// <summary>The directory of a path, and the name in it: of what is to be made, removed or renamed.</summary>
    /// <exception cref="DistFsException">
    /// There is no such directory; EBUSY, EINVAL: the path ends in no name.
    /// </exception>
    public async Task<(InodeId Directory, byte[] Name)> FindParentAsync(string path, CancellationToken cancellation)
    {
        var names = PathName.NamesOf(path);
        if (names.Count == 0)
        {
            throw FileErrors.Of(FsStatus.Busy, path);
        }

        if (names[^1].AsSpan().SequenceEqual(Parent))
        {
            throw FileErrors.Of(FsStatus.Invalid, path);
        }

        if (names.Count == 1)
        {
            return (InodeId.Root, names[0]);
        }

        // Its attributes, which change with each name that is made in it, are nobody's business here.
        var above = path.TrimEnd('/');
        above = above[..above.LastIndexOf('/')];
        var found = await WalkAsync(
            above, [.. names.Take(names.Count - 1)], followsLast: true, needsStatus: false, cancellation)
            .ConfigureAwait(false);
        return found.Kind == FileKind.Directory
            ? (found.Inode, names[^1]) : throw FileErrors.Of(FsStatus.NotADirectory, above);
    }

    /// <summary>The root, or what lies behind a number.</summary>
    public async Task<FileStatus> StatAsync(InodeId inode, string what, CancellationToken cancellation)
    {
        if (cache?.StatusOf(inode) is { } known)
        {
            return known;
        }

        var reply = await channel.ReadAsync(
            new ReadOperation { GetAttributes = new GetAttributesRequest { Inode = inode.Value } },
            session(),
            cancellation).ConfigureAwait(false);
        FileErrors.Ensure(reply.Status, what);
        return FileStatus.Of(reply.Attributes);
    }

    /// <summary>The target of a symbolic link, as its bytes.</summary>
    public async Task<ReadOnlyMemory<byte>> ReadLinkAsync(
        InodeId inode, string what, CancellationToken cancellation)
    {
        var reply = await channel.ReadAsync(
            new ReadOperation { ReadLink = new ReadLinkRequest { Inode = inode.Value } }, session(), cancellation)
            .ConfigureAwait(false);
        FileErrors.Ensure(reply.Status, what);
        return reply.Data.Memory;
    }

    private async Task<PathStep> WalkAsync(
        string path,
        IReadOnlyList<byte[]> names,
        bool followsLast,
        bool needsStatus,
        CancellationToken cancellation)
    {
        var (at, left) = (InodeId.Root, new Queue<byte[]>(names));
        PathStep? found = null;
        for (var links = 0; left.Count > 0;)
        {
            var steps = new List<PathStep>();
            var status = cache?.Walk(at, left, needsStatus, steps);
            if (status == null && steps.Count == 0)
            {
                status = await AskAsync(at, left, needsStatus, steps, cancellation).ConfigureAwait(false);
            }

            InodeId? link = null;
            foreach (var step in steps)
            {
                found = step;
                left.Dequeue();
                if (step.Kind == FileKind.SymbolicLink && (left.Count > 0 || followsLast))
                {
                    link = step.Inode;
                    break;
                }

                at = step.Inode;
            }

            if (link is { } toFollow)
            {
                if (++links > LinksMax)
                {
                    throw FileErrors.Of(FsStatus.SymlinkLoop, path);
                }

                var target = await ReadLinkAsync(toFollow, path, cancellation).ConfigureAwait(false);
                if (target.Span.StartsWith("/"u8))
                {
                    at = InodeId.Root;
                }

                left = new Queue<byte[]>(PathName.NamesOf(target).Concat(left));
                found = null;
                continue;
            }

            FileErrors.Ensure((int)(status ?? FsStatus.Ok), path);
        }

        if (found is { } last && (last.Status != null || !needsStatus))
        {
            return last;
        }

        var told = await StatAsync(at, path, cancellation).ConfigureAwait(false);
        return new PathStep(told.Inode, told.Kind, told);
    }

    /// <summary>As many of the names as there are, in one request.</summary>
    private async Task<FsStatus> AskAsync(
        InodeId at,
        IEnumerable<byte[]> left,
        bool needsStatus,
        List<PathStep> steps,
        CancellationToken cancellation)
    {
        byte[][] names = [.. left.Take(NamesMax)];
        var request = new WalkRequest { From = at.Value };
        request.Names.AddRange(names.Select(static name => UnsafeByteOperations.UnsafeWrap(name)));
        var begun = cache?.Begin() ?? 0;
        var reply = await channel.ReadAsync(new ReadOperation { Walk = request }, session(), cancellation)
            .ConfigureAwait(false);
        var found = reply.Walked.Select(FileStatus.Of).ToList();
        cache?.Learn(begun, at, names, found, (FsStatus)reply.Status, needsStatus);
        steps.AddRange(found.Select(static one => new PathStep(one.Inode, one.Kind, one)));
        return (FsStatus)reply.Status;
    }
}
