using DistFS.Client.Cluster;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Client.Names;

/// <summary>
/// Pathname resolution (POSIX, 4.16): as many names as there are in one request, and one more for each symbolic link on
/// the way. Nothing is kept, so what others changed is seen.
/// </summary>
internal sealed class PathResolver(MetadataChannel channel, Func<ulong> session)
{
    private const int LinksMax = 40;

    private static readonly byte[] Parent = ".."u8.ToArray();

    /// <summary>What a path stands for.</summary>
    /// <param name="path">The path.</param>
    /// <param name="followsLast">Whether the last name, if it is a link, is followed.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">There is nothing, or it may not be looked at.</exception>
    public async Task<FileStatus> FindAsync(string path, bool followsLast, CancellationToken cancellation)
    {
        var (status, _) = await WalkAsync(path, PathName.NamesOf(path), followsLast, cancellation)
            .ConfigureAwait(false);
        return status;
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

        var (status, _) = await WalkAsync(path, [.. names.Take(names.Count - 1)], true, cancellation)
            .ConfigureAwait(false);
        return status.IsDirectory ? (status.Inode, names[^1]) : throw FileErrors.Of(FsStatus.NotADirectory, path);
    }

    /// <summary>The root, or what lies behind a number.</summary>
    public async Task<FileStatus> StatAsync(InodeId inode, string what, CancellationToken cancellation)
    {
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

    private async Task<(FileStatus Status, InodeId Directory)> WalkAsync(
        string path, IReadOnlyList<byte[]> names, bool followsLast, CancellationToken cancellation)
    {
        var (at, directory, left) = (InodeId.Root, InodeId.Root, new Queue<byte[]>(names));
        FileStatus? found = null;
        for (var links = 0; left.Count > 0;)
        {
            var request = new WalkRequest { From = at.Value };
            request.Names.AddRange(left.Take(256).Select(static name => UnsafeByteOperations.UnsafeWrap(name)));
            var reply = await channel.ReadAsync(new ReadOperation { Walk = request }, session(), cancellation)
                .ConfigureAwait(false);
            InodeId? link = null;
            foreach (var step in reply.Walked)
            {
                found = FileStatus.Of(step);
                left.Dequeue();
                if (found.IsSymbolicLink && (left.Count > 0 || followsLast))
                {
                    link = found.Inode;
                    break;
                }

                (directory, at) = (at, found.Inode);
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

            FileErrors.Ensure(reply.Status, path);
        }

        found ??= await StatAsync(at, path, cancellation).ConfigureAwait(false);
        return (found, directory);
    }
}
