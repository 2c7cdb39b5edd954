using System.Collections.Concurrent;
using DistFS.Client;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Opens of files: begun, and ended.</content>
public sealed partial class VfsMount
{
    /// <summary>So often a name is looked up that stands for another file each time.</summary>
    private const int FindsMax = 8;

    /// <summary>When an open found nothing last, in the clock's time stamps.</summary>
    private long _openedLateAt;

    /// <summary>Opens a file; the caller has looked whether that is allowed.</summary>
    public async ValueTask<VfsOpened> OpenAsync(
        FileIdentity caller, InodeId inode, VfsOpenMode mode, CancellationToken cancellation)
    {
        if (_options.IsReadOnly && (mode.Writes || mode.Truncates))
        {
            return new VfsOpened(FsStatus.ReadOnly, 0, false, false);
        }

        var node = NodeOf(inode);
        var handle = Begin(node, mode, out var isLeaving);
        try
        {
            using var told = await StatAsync(node, cancellation).ConfigureAwait(false);
            var status = node.IsRemoved ? FsStatus.Stale : told.Status;
            if (status == FsStatus.Ok && (told.AttributesValid == default || isLeaving))
            {
                // Nobody tells us when it loses its name, or it is just losing it.
                await handle.File.RegisterAsync(cancellation).ConfigureAwait(false);
            }

            if (status == FsStatus.Ok && mode.Truncates)
            {
                status = await handle.File.SetLengthAsync(caller, 0, cancellation).ConfigureAwait(false);
            }

            if (status == FsStatus.Ok)
            {
                return Opened(handle, told.AttributesValid > TimeSpan.Zero && !mode.Truncates);
            }

            await EndAsync(handle).ConfigureAwait(false);
            return NotOpened(status);
        }
        catch (DistFsException e)
        {
            await EndAsync(handle).ConfigureAwait(false);
            return NotOpened(StatusOf(e));
        }
    }

    private VfsOpened NotOpened(FsStatus status)
    {
        if (status == FsStatus.Stale)
        {
            // What was found is gone: the kernel looks the name up once more, and only once.
            Volatile.Write(ref _openedLateAt, _options.Clock.GetTimestamp());
        }

        return new VfsOpened(status, 0, false, false);
    }

    /// <summary>
    /// What a name stands for. While others put one file in place of the other it is kept, as if it were open, until it
    /// may be opened (<see cref="VfsOptions.OpensAfterLookup"/>).
    /// </summary>
    private async ValueTask<VfsEntry> AskToOpenAsync(
        FileIdentity caller, VfsNode parent, ReadOnlyMemory<byte> name, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var found = await AskAsync(caller, parent, name, cancellation).ConfigureAwait(false);

            // Of what is under a lease it is told before it goes.
            if (!IsOpenedLate || attempt == FindsMax || found.AttributesValid != default
                || found is not { Status: FsStatus.Ok, Attributes: { IsFile: true } attributes })
            {
                return found;
            }

            try
            {
                if (await TryKeepAsync(NodeOf(attributes.Inode), cancellation).ConfigureAwait(false))
                {
                    return found;
                }
            }
            catch
            {
                found.Dispose();
                throw;
            }

            found.Dispose();
        }
    }

    /// <summary>Somebody may be about to open it: the metaservers take it for open until then.</summary>
    /// <returns>False: it is not there any more.</returns>
    private async Task<bool> TryKeepAsync(VfsNode node, CancellationToken cancellation)
    {
        VfsFile file;
        lock (node.Gate)
        {
            file = Activate(node);
            file.Keeps++;
            node.ToldAt = _options.Clock.GetTimestamp();
        }

        try
        {
            return await TryRegisterAsync(file, cancellation).ConfigureAwait(false);
        }
        finally
        {
            Kept(node, file);
        }
    }

    private bool IsOpenedLate => Volatile.Read(ref _openedLateAt) is not 0 and var at
        && _options.Clock.GetElapsedTime(at) < _options.OpensAfterLookup;

    /// <returns>False: it is not there any more.</returns>
    private static async Task<bool> TryRegisterAsync(VfsFile file, CancellationToken cancellation)
    {
        try
        {
            await file.RegisterAsync(cancellation).ConfigureAwait(false);
            return true;
        }
        catch (DistFsException e) when (e.Status is FsStatus.NotFound or FsStatus.Stale)
        {
            return false;
        }
    }

    /// <summary>Makes a file and opens it (O_CREAT).</summary>
    public async ValueTask<(VfsEntry Entry, VfsOpened Opened)> CreateAsync(
        FileIdentity caller,
        InodeId directory,
        ReadOnlyMemory<byte> name,
        NewNode node,
        VfsOpenMode mode,
        CancellationToken cancellation)
    {
        if (_options.IsReadOnly || name.Length > NameBytesMax)
        {
            return (VfsEntry.Refused(_options.IsReadOnly ? FsStatus.ReadOnly : FsStatus.NameTooLong), default);
        }

        var parent = NodeOf(directory);
        try
        {
            if (await MakeHereAsync(caller, parent, name, node, cancellation).ConfigureAwait(false) is { } made)
            {
                return made.Status == FsStatus.Ok
                    ? (Told(made), OpenedHere(NodeOf(made.Attributes!.Inode), mode)) : (made, default);
            }

            using var direct = await BeginDirectAsync(cancellation, parent).ConfigureAwait(false);
            try
            {
                return await CreateThereAsync(caller, parent, name, node, mode, cancellation).ConfigureAwait(false);
            }
            catch (DistFsException)
            {
                // It may have been made.
                Unknown(parent, name);
                throw;
            }
        }
        catch (DistFsException e)
        {
            return (VfsEntry.Refused(StatusOf(e)), default);
        }
    }

    /// <summary>A file that was just made here: nothing is in it, and nobody else can know of it.</summary>
    private VfsOpened OpenedHere(VfsNode node, VfsOpenMode mode)
    {
        var handle = Begin(node, mode, out _);
        handle.File.BeginHere();
        return Opened(handle, keepsContent: false);
    }

    private async Task<(VfsEntry Entry, VfsOpened Opened)> CreateThereAsync(
        FileIdentity caller,
        VfsNode parent,
        ReadOnlyMemory<byte> name,
        NewNode node,
        VfsOpenMode mode,
        CancellationToken cancellation)
    {
        var (reply, open) = await _cluster
            .CreateAsync(caller, parent.Inode, name, node, mode.Access, cancellation).ConfigureAwait(false);
        var entry = await NamedAsync(parent, name, reply, cancellation).ConfigureAwait(false);
        if (entry.Status != FsStatus.Ok)
        {
            return (entry, default);
        }

        var handle = Begin(NodeOf(entry.Attributes!.Inode), mode, out _);
        try
        {
            if (open != null)
            {
                handle.File.Begin(open);
            }

            if (mode.Truncates && entry.Attributes.Size > 0)
            {
                entry.Dispose();
                entry = default;
                await DropPrivilegesAsync(handle.Node, caller.Uid != 0, cancellation).ConfigureAwait(false);
                await handle.File.SetLengthAsync(caller, 0, cancellation).ConfigureAwait(false);
                entry = await StatAsync(handle.Node, cancellation).ConfigureAwait(false);
            }

            return (Told(entry), Opened(handle, keepsContent: false));
        }
        catch
        {
            entry.Dispose();
            await EndAsync(handle).ConfigureAwait(false);
            throw;
        }
    }

    private VfsHandle Begin(VfsNode node, VfsOpenMode mode, out bool isLeaving)
    {
        lock (node.Gate)
        {
            isLeaving = node.Directs > 0;
            var file = Activate(node);
            file.Opens++;
            return new VfsHandle(Interlocked.Increment(ref _lastHandle), node, file, mode)
            {
                ErrorsSeen = file.Errors.Count,
            };
        }
    }

    private VfsOpened Opened(VfsHandle handle, bool keepsContent)
    {
        _handles[handle.Number] = handle;

        // Where its writes go is known here only: the kernel would keep them where it believes the end to be.
        return new VfsOpened(FsStatus.Ok, handle.Number, keepsContent, handle.Mode.Appends);
    }

    private async Task EndAsync(VfsHandle handle)
    {
        var (node, file) = (handle.Node, handle.File);
        lock (node.Gate)
        {
            if (--file.Opens > 0)
            {
                return;
            }
        }

        // Behind the answer to the kernel: what is sent now was promised for within a second.
        await EndAsync(node, file).ConfigureAwait(false);
    }

    /// <summary>Nobody has it open: it is sent and closed, unless somebody opens or keeps it meanwhile.</summary>
    private async Task EndAsync(VfsNode node, VfsFile file)
    {
        await file.CloseAsync(isEnd: false).ConfigureAwait(false);
        lock (node.Gate)
        {
            if (file.Opens + file.Keeps == 0 && file.IsClosed && node.File == file)
            {
                node.File = null;
                _active.TryRemove(KeyValuePair.Create(node.Inode, node));
                if (node is { IsRemoved: true, Lookups: 0 })
                {
                    _removed.Enqueue(node);
                }
            }
        }
    }

    /// <summary>An open of a program.</summary>
    private sealed class VfsHandle(ulong number, VfsNode node, VfsFile file, VfsOpenMode mode)
    {
        public ulong Number => number;

        public VfsNode Node => node;

        public VfsFile File => file;

        public VfsOpenMode Mode => mode;

        public long ErrorsSeen { get; set; }

        /// <summary>Its last descriptor is closed.</summary>
        public bool IsReleasing { get; set; }

        public SemaphoreSlim Locking { get; } = new(1);

        /// <summary>By which it is locked as a whole (flock).</summary>
        public NodeOpen? Lock { get; set; }

        /// <summary>Who has locked ranges of it.</summary>
        public ConcurrentDictionary<ulong, byte> Owners { get; } = [];
    }
}
