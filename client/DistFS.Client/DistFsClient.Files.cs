using DistFS.Client.Files;
using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Client;

/// <content>Files: opened, made, written whole, and where they are.</content>
public sealed partial class DistFsClient
{
    /// <summary>Opens a file for reading. Costs one round trip, and leaves nothing at the metaservers.</summary>
    /// <exception cref="DistFsException">ENOENT, EISDIR, EACCES.</exception>
    public async Task<DistFsFile> OpenReadAsync(string path, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        return await OpenReadAsync(status, path, cancellation).ConfigureAwait(false);
    }

    /// <summary>Opens a file for reading of which the attributes are known, from a listing for example.</summary>
    /// <exception cref="DistFsException">ENOENT, EISDIR, EACCES.</exception>
    public async Task<DistFsFile> OpenReadAsync(
        FileStatus status, string path, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(status);
        Ensure(status, path);
        var mapping = new FileMapping(Files, status.Inode, open: null, path);
        await mapping.LoadAsync(0, refreshServers: false, cancellation).ConfigureAwait(false);
        return new DistFsFile(Files, mapping, open: null, writer: null, canRead: true);
    }

    /// <summary>Makes a file and opens it for reading and writing.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="overwrites">Whether a file that is there is emptied and taken; else EEXIST.</param>
    /// <param name="mode">Permission bits of a new one, of which the umask is taken.</param>
    /// <param name="cancellation">Gives up; then it may be there.</param>
    /// <exception cref="DistFsException">EEXIST, ENOENT, EISDIR, EACCES, EDQUOT.</exception>
    public async Task<DistFsFile> CreateFileAsync(
        string path, bool overwrites = false, uint mode = 0b110_110_110, CancellationToken cancellation = default)
    {
        var (parent, name) = await _paths.FindParentAsync(path, cancellation).ConfigureAwait(false);
        var make = new MakeRequest
        {
            Parent = parent.Value,
            Name = Bytes(name),
            Kind = (uint)FileKind.File,
            Mode = mode,
            Umask = _options.Umask,
            OrExisting = overwrites,
        };
        return await CreateFileAsync(make, path, cancellation).ConfigureAwait(false);
    }

    /// <summary>Makes a new file under a name of a directory that is known; no umask is taken.</summary>
    internal Task<DistFsFile> CreateFileAsync(
        InodeId directory, byte[] name, string path, uint mode, CancellationToken cancellation) => CreateFileAsync(
        new MakeRequest
        {
            Parent = directory.Value,
            Name = Bytes(name),
            Kind = (uint)FileKind.File,
            Mode = mode,
        },
        path,
        cancellation);

    private async Task<DistFsFile> CreateFileAsync(MakeRequest make, string path, CancellationToken cancellation)
    {
        var (open, reply) = await OpenAsync(
            handle =>
            {
                make.Open = handle;
                return new Operation { Make = make };
            },
            path,
            cancellation).ConfigureAwait(false);
        var status = FileStatus.Of(reply.Attributes);
        var mapping = new FileMapping(Files, status.Inode, open, path);
        var writer = new FileWriter(Files, mapping, open, new SmallContent([], 0));
        var file = new DistFsFile(Files, mapping, open, writer, canRead: true);
        if (status.Size > 0)
        {
            try
            {
                await file.SetLengthAsync(0, cancellation).ConfigureAwait(false);
            }
            catch
            {
                await file.AbandonAsync(CancellationToken.None).ConfigureAwait(false);
                throw;
            }
        }

        return file;
    }

    /// <summary>Opens a file that is there for reading and writing.</summary>
    /// <exception cref="DistFsException">ENOENT, EISDIR, EACCES.</exception>
    public async Task<DistFsFile> OpenWriteAsync(string path, CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        Ensure(status, path);
        var (open, _) = await OpenAsync(
            handle => new Operation { Open = new OpenRequest { Inode = status.Inode.Value, Open = handle } },
            path,
            cancellation).ConfigureAwait(false);
        return await OpenedAsync(status.Inode, open, path, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Opens a file to add records to its end, together with other clients and mounts; it is made if it is not there.
    /// </summary>
    /// <exception cref="DistFsException">ENOENT: its directory; EISDIR, EACCES; nobody answers.</exception>
    public async Task<DistFsAppender> OpenAppendAsync(string path, CancellationToken cancellation = default)
    {
        var status = await TryStatAsync(path, true, cancellation).ConfigureAwait(false);
        if (status == null)
        {
            var (parent, name) = await _paths.FindParentAsync(path, cancellation).ConfigureAwait(false);
            var make = new MakeRequest
            {
                Parent = parent.Value,
                Name = Bytes(name),
                Kind = (uint)FileKind.File,
                Mode = 0b110_110_110,
                Umask = _options.Umask,
                OrExisting = true,
            };
            var reply = await DoAsync(new Operation { Make = make }, path, cancellation).ConfigureAwait(false);
            status = FileStatus.Of(reply.Attributes);
        }

        Ensure(status, path);
        var file = await _appends.OpenAsync(status.Inode, path, cancellation).ConfigureAwait(false);
        return new DistFsAppender(_appends, file);
    }

    /// <summary>A file that is open at the metaservers; if it cannot be had, the open ends.</summary>
    private async Task<DistFsFile> OpenedAsync(
        InodeId inode, OpenHandleOf open, string path, CancellationToken cancellation)
    {
        var mapping = new FileMapping(Files, inode, open, path);
        try
        {
            var view = await mapping.LoadAsync(0, refreshServers: false, cancellation).ConfigureAwait(false);
            var small = view.Size <= SmallContent.BytesMax && view[0] == null
                ? new SmallContent(view.Inline.Span, (int)view.Size) : null;
            return new DistFsFile(Files, mapping, open, new FileWriter(Files, mapping, open, small), canRead: true);
        }
        catch
        {
            await new DistFsFile(Files, mapping, open, writer: null, canRead: false)
                .AbandonAsync(CancellationToken.None)
                .ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Makes a file of up to 16 KiB with its content, in one round trip; durable when this returns.
    /// </summary>
    /// <param name="directory">In which.</param>
    /// <param name="name">Its name.</param>
    /// <param name="content">At most 16 KiB.</param>
    /// <param name="mode">Permission bits; no umask is taken.</param>
    /// <param name="modifyTime">Null: now.</param>
    /// <param name="cancellation">Gives up; then it may be there.</param>
    /// <exception cref="DistFsException">EEXIST and others: then there is no such file, or it was there.</exception>
    internal async Task<FileStatus> CreateSmallFileAsync(
        InodeId directory,
        byte[] name,
        ReadOnlyMemory<byte> content,
        uint mode,
        FileTime? modifyTime,
        CancellationToken cancellation)
    {
        var request = new MutateRequest();
        request.Operations.Add(new Operation
        {
            Make = new MakeRequest
            {
                Parent = directory.Value,
                Name = Bytes(name),
                Kind = (uint)FileKind.File,
                Mode = mode,
            },
        });
        if (!content.IsEmpty)
        {
            request.Operations.Add(new Operation
            {
                WriteInline = new WriteInlineRequest
                {
                    Inode = InodeId.ToldBy(0).Value,
                    Data = UnsafeByteOperations.UnsafeWrap(content),
                },
            });
        }

        if (modifyTime is { } time)
        {
            request.Operations.Add(new Operation
            {
                SetAttributes = new SetAttributesRequest
                {
                    Inode = InodeId.ToldBy(0).Value,
                    ModifyTime = new SetAttributesRequest.Types.NewTime
                    {
                        Time = new Time { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds },
                    },
                },
            });
        }

        var replies = await _sessions.MutateAsync(request, cancellation).ConfigureAwait(false);
        var text = PathName.TextOf(name);
        FileErrors.Ensure(replies[0].Status, text);
        foreach (var reply in replies)
        {
            if (reply.Status != 0)
            {
                // Made, and not filled: it goes again, and not what somebody else may have put there since.
                var unlink = Unlink(directory, name);
                unlink.Unlink.Inode = FileStatus.Of(replies[0].Attributes).Inode.Value;
                await _sessions.MutateAsync(unlink, CancellationToken.None).ConfigureAwait(false);
                throw FileErrors.Of((FsStatus)reply.Status, text);
            }
        }

        return FileStatus.Of(replies[0].Attributes);
    }

    /// <summary>Where the bytes of a file are: for programs that compute where the data is.</summary>
    /// <param name="path">The file.</param>
    /// <param name="offset">From there on.</param>
    /// <param name="length">So many bytes.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Ranges in order; what is in none has no servers: holes, and the content of small files.</returns>
    public async Task<IReadOnlyList<BlockLocation>> GetBlockLocationsAsync(
        string path, long offset = 0, long length = long.MaxValue, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        Ensure(status, path);
        var mapping = new FileMapping(Files, status.Inode, open: null, path);
        var found = new List<BlockLocation>();
        var (next, _) = FileMapping.PlaceOf(offset);
        for (var end = long.MaxValue; ;)
        {
            var from = next;
            (var view, next) = await mapping.LoadPageAsync(from, refreshServers: false, cancellation)
                .ConfigureAwait(false);
            end = Math.Min(view.Size, length > long.MaxValue - offset ? long.MaxValue : offset + length);
            foreach (var (index, chunk) in view.Chunks.Where(one => one.Key >= from).OrderBy(static one => one.Key))
            {
                Add(found, index, chunk, offset, end);
            }

            if (next == 0 || (long)next * Blocks.ChunkLayout.ChunkBytes >= end)
            {
                return found;
            }
        }
    }

    private void Add(List<BlockLocation> found, ulong index, MappedChunk chunk, long offset, long end)
    {
        var start = (long)index * Blocks.ChunkLayout.ChunkBytes;
        var (from, to) = (Math.Max(start, offset), Math.Min(start + chunk.Length, end));
        if (from < to)
        {
            found.Add(new BlockLocation(
                from,
                to - from,
                chunk.Target.Chunk,
                [.. chunk.Target.Servers.Select(server => new ReplicaPlace(
                    server.Id, server.Address, Files.Servers.Known(server.Id.Value)?.Rack ?? ""))]));
        }
    }

    private const uint ReadWrite = 6;

    private static void Ensure(FileStatus status, string path)
    {
        if (!status.IsFile)
        {
            throw FileErrors.Of(status.IsDirectory ? FsStatus.IsADirectory : FsStatus.Invalid, path);
        }
    }
}

/// <summary>A range of a file and who has it.</summary>
/// <param name="Offset">In the file, in bytes.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Chunk">In which chunk.</param>
/// <param name="Replicas">Who has it, in the order of the chain.</param>
public sealed record BlockLocation(long Offset, long Length, ChunkId Chunk, IReadOnlyList<ReplicaPlace> Replicas);

/// <summary>A chunk server that has a range.</summary>
/// <param name="Server">Which.</param>
/// <param name="Address">host:port.</param>
/// <param name="Rack">Where it stands; empty if that was not told.</param>
public sealed record ReplicaPlace(ServerId Server, string Address, string Rack);
