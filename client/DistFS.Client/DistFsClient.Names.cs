using System.Runtime.CompilerServices;
using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Client;

/// <content>Names: directories, links, removal, attributes.</content>
public sealed partial class DistFsClient
{
    private const int BatchMax = 256;

    /// <summary>How this client found what paths stand for, so far.</summary>
    public PathStatistics Paths => _cache?.Statistics ?? new PathStatistics(0, 0);

    /// <summary>What a path stands for.</summary>
    /// <param name="path">From the root.</param>
    /// <param name="followsLink">If it is a symbolic link, what that stands for (stat); else the link (lstat).</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG; nobody answers.</exception>
    public Task<FileStatus> StatAsync(
        string path, bool followsLink = true, CancellationToken cancellation = default) =>
        _paths.FindAsync(path, followsLink, cancellation);

    /// <summary>As <see cref="StatAsync"/>; null if there is no such name.</summary>
    public Task<FileStatus?> TryStatAsync(
        string path, bool followsLink = true, CancellationToken cancellation = default) =>
        _paths.TryFindAsync(path, followsLink, cancellation);

    /// <summary>What is in a directory, in no order; what comes or goes meanwhile may be there or not.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="withStatus">Also their attributes.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">It is none, or may not be read.</exception>
    public async IAsyncEnumerable<DirectoryItem> EnumerateAsync(
        string path,
        bool withStatus = false,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var directory = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        await foreach (var item in ListAsync(directory, path, withStatus, cancellation).ConfigureAwait(false))
        {
            yield return item;
        }
    }

    private async IAsyncEnumerable<DirectoryItem> ListAsync(
        FileStatus directory,
        string path,
        bool withStatus,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (!directory.IsDirectory)
        {
            throw FileErrors.Of(FsStatus.NotADirectory, path);
        }

        await foreach (var item in DirectoryLister
            .ListAsync(
                _channel, _sessions.Id, directory.Inode, path, withStatus, cancellation)
            .ConfigureAwait(false))
        {
            if (!withStatus || item.Status != null)
            {
                yield return item;
                continue;
            }

            // Somebody is writing it: asked for by itself, that is waited for. It may be gone by then.
            FileStatus? status;
            try
            {
                status = await _paths.StatAsync(item.Inode, item.Name, cancellation).ConfigureAwait(false);
            }
            catch (DistFsException e) when (e.Status == FsStatus.NotFound)
            {
                continue;
            }

            yield return item with { Status = status };
        }
    }

    /// <summary>Makes a directory.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="mode">Permission bits, of which the umask is taken.</param>
    /// <param name="withParents">Also those above it that are not there; that it is there already is no error.</param>
    /// <param name="cancellation">Gives up; then it may be there.</param>
    /// <exception cref="DistFsException">EEXIST, ENOENT, ENOTDIR, EACCES, EDQUOT.</exception>
    public async Task CreateDirectoryAsync(
        string path, uint mode = 0b111_111_111, bool withParents = false, CancellationToken cancellation = default)
    {
        if (withParents)
        {
            var above = "";
            foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                above = $"{above}/{name}";
                if (name is "." or ".." || await TryStatAsync(above, true, cancellation).ConfigureAwait(false) is { }
                    known && known.IsDirectory)
                {
                    continue;
                }

                try
                {
                    await MakeAsync(above, FileKind.Directory, mode, default, cancellation).ConfigureAwait(false);
                }
                catch (DistFsException e) when (e.Status == FsStatus.AlreadyExists)
                {
                    // Somebody else made it, or it is no directory: the next name, or this look, tells.
                    if (!(await StatAsync(above, cancellation: cancellation).ConfigureAwait(false)).IsDirectory)
                    {
                        throw;
                    }
                }
            }

            return;
        }

        await MakeAsync(path, FileKind.Directory, mode, default, cancellation).ConfigureAwait(false);
    }

    /// <summary>Makes a symbolic link.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="target">What it leads to; need not be there.</param>
    /// <param name="cancellation">Gives up; then it may be there.</param>
    public Task<FileStatus> CreateSymbolicLinkAsync(
        string path, string target, CancellationToken cancellation = default) => MakeAsync(
        path, FileKind.SymbolicLink, 0b111_111_111, ByteString.CopyFromUtf8(target), cancellation);

    /// <summary>What a symbolic link leads to.</summary>
    /// <exception cref="DistFsException">EINVAL: it is none.</exception>
    public async Task<string> ReadLinkAsync(string path, CancellationToken cancellation = default)
    {
        var link = await StatAsync(path, followsLink: false, cancellation).ConfigureAwait(false);
        var target = await _paths.ReadLinkAsync(link.Inode, path, cancellation).ConfigureAwait(false);
        return PathName.TextOf(target.Span);
    }

    /// <summary>Gives a file another name (link).</summary>
    public async Task CreateHardLinkAsync(string existing, string path, CancellationToken cancellation = default)
    {
        var inode = await StatAsync(existing, followsLink: false, cancellation).ConfigureAwait(false);
        var (parent, name) = await _paths.FindParentAsync(path, cancellation).ConfigureAwait(false);
        await DoAsync(
            new Operation
            {
                Link = new LinkRequest { Inode = inode.Inode.Value, Parent = parent.Value, Name = Bytes(name) },
            },
            path,
            cancellation).ConfigureAwait(false);
    }

    /// <summary>Renames, in one step for everybody (rename).</summary>
    /// <param name="from">What is there.</param>
    /// <param name="to">
    /// Its new name; what was there is replaced, if it is of the same kind and, a directory, empty.
    /// </param>
    /// <param name="replaces">Whether anything may be replaced; else EEXIST.</param>
    /// <param name="cancellation">Gives up; then it may be done.</param>
    public async Task RenameAsync(
        string from, string to, bool replaces = true, CancellationToken cancellation = default)
    {
        var (fromParent, fromName) = await _paths.FindParentAsync(from, cancellation).ConfigureAwait(false);
        var (toParent, toName) = await _paths.FindParentAsync(to, cancellation).ConfigureAwait(false);
        await DoAsync(
            new Operation
            {
                Rename = new RenameRequest
                {
                    FromParent = fromParent.Value,
                    FromName = Bytes(fromName),
                    ToParent = toParent.Value,
                    ToName = Bytes(toName),
                    NoReplace = !replaces,
                },
            },
            $"{from} to {to}",
            cancellation).ConfigureAwait(false);
    }

    /// <summary>Removes a name of what is no directory (unlink).</summary>
    public async Task DeleteFileAsync(string path, CancellationToken cancellation = default)
    {
        var (parent, name) = await _paths.FindParentAsync(path, cancellation).ConfigureAwait(false);
        await DoAsync(Unlink(parent, name), path, cancellation).ConfigureAwait(false);
    }

    /// <summary>Removes a directory.</summary>
    /// <param name="path">Which.</param>
    /// <param name="recursive">With all that is in it; else it must be empty.</param>
    /// <param name="cancellation">Gives up; a part may be gone.</param>
    public async Task DeleteDirectoryAsync(
        string path, bool recursive = false, CancellationToken cancellation = default)
    {
        var (parent, name) = await _paths.FindParentAsync(path, cancellation).ConfigureAwait(false);
        if (recursive)
        {
            var directory = await StatAsync(path, followsLink: false, cancellation).ConfigureAwait(false);
            if (directory.IsDirectory)
            {
                await EmptyAsync(directory.Inode, path, cancellation).ConfigureAwait(false);
            }
        }

        await DoAsync(RemoveDirectory(parent, name), path, cancellation).ConfigureAwait(false);
    }

    /// <summary>Changes attributes; what is null stays (chmod, chown, utimensat).</summary>
    public async Task<FileStatus> SetAttributesAsync(
        string path, AttributeChange change, bool followsLink = true, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, followsLink, cancellation).ConfigureAwait(false);
        return await SetAttributesAsync(status.Inode, path, change, cancellation).ConfigureAwait(false);
    }

    /// <summary>Changes attributes of what is known, from a listing for example; the path is for messages.</summary>
    public async Task<FileStatus> SetAttributesAsync(
        InodeId inode, string path, AttributeChange change, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        var request = new SetAttributesRequest { Inode = inode.Value };
        change.WriteTo(request);
        var reply = await DoAsync(new Operation { SetAttributes = request }, path, cancellation).ConfigureAwait(false);
        return FileStatus.Of(reply.Attributes);
    }

    /// <summary>How many copies chunks have that are made from here on: in a file, or below a directory.</summary>
    /// <param name="path">Which.</param>
    /// <param name="replicas">1 to 5; 0 is what the cluster has.</param>
    /// <param name="anyRack">They need not be in different racks.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task SetGoalAsync(
        string path, uint replicas, bool anyRack = false, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        var request = new SetGoalRequest { Inode = status.Inode.Value, Replicas = replicas, AnyRack = anyRack };
        await DoAsync(new Operation { SetGoal = request }, path, cancellation).ConfigureAwait(false);
    }

    internal uint Umask => _options.Umask;

    internal Task<(InodeId Directory, byte[] Name)> ParentAsync(string path, CancellationToken cancellation) =>
        _paths.FindParentAsync(path, cancellation);

    internal async Task EnsureAbsentAsync(
        InodeId directory, byte[] name, string path, CancellationToken cancellation)
    {
        var lookup = new LookupRequest { Parent = directory.Value, Name = Bytes(name) };
        var reply = await _channel.ReadAsync(new ReadOperation { Lookup = lookup }, 0, cancellation)
            .ConfigureAwait(false);
        if (reply.Status != (int)FsStatus.NotFound)
        {
            throw reply.Status == 0 ? FileErrors.Exists(path) : FileErrors.Of((FsStatus)reply.Status, path);
        }
    }

    internal Task RenameAsync(
        InodeId directory,
        byte[] from,
        byte[] to,
        bool replaces,
        string path,
        CancellationToken cancellation) => DoAsync(
        new Operation
        {
            Rename = new RenameRequest
            {
                FromParent = directory.Value,
                FromName = Bytes(from),
                ToParent = directory.Value,
                ToName = Bytes(to),
                NoReplace = !replaces,
            },
        },
        path,
        cancellation);

    internal Task UnlinkAsync(InodeId directory, byte[] name, CancellationToken cancellation) =>
        _sessions.MutateAsync(Unlink(directory, name), cancellation);

    /// <summary>Makes directories, many in one request.</summary>
    /// <returns>Of each what it is; null: not made, and to be looked at by itself.</returns>
    internal async Task<IReadOnlyList<FileStatus?>> MakeDirectoriesAsync(
        IReadOnlyCollection<(InodeId Parent, byte[] Name)> names, CancellationToken cancellation)
    {
        var made = new List<FileStatus?>(names.Count);
        foreach (var part in names.Chunk(BatchMax))
        {
            var request = new MutateRequest();
            request.Operations.AddRange(part.Select(one => new Operation
            {
                Make = new MakeRequest
                {
                    Parent = one.Parent.Value,
                    Name = Bytes(one.Name),
                    Kind = (uint)FileKind.Directory,
                    Mode = 0b111_111_111,
                    Umask = _options.Umask,
                },
            }));
            var replies = await _sessions.MutateAsync(request, cancellation).ConfigureAwait(false);
            made.AddRange(replies.Select(static one => one.Status == 0 ? FileStatus.Of(one.Attributes) : null));
        }

        return made;
    }

    private async Task<FileStatus> MakeAsync(
        string path, FileKind kind, uint mode, ByteString? target, CancellationToken cancellation)
    {
        var (parent, name) = await _paths.FindParentAsync(path, cancellation).ConfigureAwait(false);
        var reply = await DoAsync(
            new Operation
            {
                Make = new MakeRequest
                {
                    Parent = parent.Value,
                    Name = Bytes(name),
                    Kind = (uint)kind,
                    Mode = mode,
                    Umask = _options.Umask,
                    Target = target ?? ByteString.Empty,
                },
            },
            path,
            cancellation).ConfigureAwait(false);
        return FileStatus.Of(reply.Attributes);
    }

    /// <summary>
    /// In batches, the deepest first; what others put there meanwhile goes too, or the end says ENOTEMPTY.
    /// </summary>
    private async Task EmptyAsync(InodeId directory, string path, CancellationToken cancellation)
    {
        var batch = new MutateRequest();
        await foreach (var item in DirectoryLister
            .ListAsync(_channel, 0, directory, path, withStatus: false, cancellation).ConfigureAwait(false))
        {
            if (item.Kind == FileKind.Directory)
            {
                await EmptyAsync(item.Inode, $"{path}/{item.Name}", cancellation).ConfigureAwait(false);
            }

            var name = item.NameBytes.ToArray();
            batch.Operations.Add(
                item.Kind == FileKind.Directory ? RemoveDirectory(directory, name) : Unlink(directory, name));
            if (batch.Operations.Count == BatchMax)
            {
                await RemoveAsync(batch, path, cancellation).ConfigureAwait(false);
                batch = new MutateRequest();
            }
        }

        if (batch.Operations.Count > 0)
        {
            await RemoveAsync(batch, path, cancellation).ConfigureAwait(false);
        }
    }

    private async Task RemoveAsync(MutateRequest batch, string path, CancellationToken cancellation)
    {
        foreach (var reply in await _sessions.MutateAsync(batch, cancellation).ConfigureAwait(false))
        {
            // What is gone already is what was wanted.
            if (reply.Status != (int)FsStatus.NotFound)
            {
                FileErrors.Ensure(reply.Status, path);
            }
        }
    }

    private static Operation Unlink(InodeId parent, byte[] name) =>
        new() { Unlink = new UnlinkRequest { Parent = parent.Value, Name = Bytes(name) } };

    private static Operation RemoveDirectory(InodeId parent, byte[] name) =>
        new() { RemoveDirectory = new RemoveDirectoryRequest { Parent = parent.Value, Name = Bytes(name) } };

    private static ByteString Bytes(byte[] name) => UnsafeByteOperations.UnsafeWrap(name);
}
