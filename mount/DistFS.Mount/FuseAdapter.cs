using System.Collections.Concurrent;
using DistFS.Client;
using DistFS.Fuse;
using DistFS.Primitives;
using DistFS.Vfs;

namespace DistFS.Mount;

/// <summary>
/// FUSE requests, translated for <see cref="VfsMount"/> and its answers back: nothing is decided here. What is answered
/// from a cache is answered on the reader's thread.
/// </summary>
internal sealed partial class FuseAdapter(VfsMount vfs, NodeNumbers numbers, Action<Exception> defect)
    : IFuseFileSystem, IFuseNamespace, IFuseFiles, IFuseDirectories, IFuseXattrs, IFuseLocks
{
    /// <summary>For so long a process is believed to be in the groups that it was in: it rarely leaves one.</summary>
    private const long GroupsValidMs = 1_000;
    private const int GroupsMax = 4_096;

    private readonly ConcurrentDictionary<uint, (FileIdentity Identity, long UntilMs)> _callers = [];

    /// <summary>What the file system honours.</summary>
    public const FuseFeatures Features =
        FuseFeatures.AsyncRead | FuseFeatures.DontMask | FuseFeatures.FlockLocks
        | FuseFeatures.PosixLocks | FuseFeatures.ReadDirPlus | FuseFeatures.ReadDirPlusAuto
        | FuseFeatures.AsyncDirectIo | FuseFeatures.ParallelDirectoryOperations | FuseFeatures.PosixAcl
        | FuseFeatures.CacheSymLinks | FuseFeatures.ExplicitInvalidateData | FuseFeatures.DirectIoAllowMmap
        | FuseFeatures.HandleKillPrivV2;

    /// <inheritdoc/>
    public void Started(FuseNegotiated negotiated) =>
        vfs.DropsCapabilities = (negotiated.Features & FuseFeatures.HandleKillPrivV2) != 0;

    /// <inheritdoc/>
    public void Lookup(ulong parent, ReadOnlyMemory<byte> name, EntryReply reply) => Run(
        reply,
        vfs.LookupAsync(CallerOf(reply.Request), numbers.InodeOf(parent), name, CancellationToken.None),
        static (self, reply, entry) => self.Tell(reply, entry));

    /// <inheritdoc/>
    public void Forget(ulong node, ulong count) => vfs.Forget(numbers.InodeOf(node), count);

    /// <inheritdoc/>
    public void GetAttr(ulong node, in FuseGetAttrIn arguments, AttrReply reply) => Run(
        reply,
        vfs.StatAsync(numbers.InodeOf(node), CancellationToken.None),
        static (_, reply, entry) => Tell(reply, entry));

    /// <inheritdoc/>
    public void SetAttr(ulong node, in FuseSetAttrIn arguments, AttrReply reply) => Run(
        reply,
        vfs.SetAttributesAsync(
            CallerOf(reply.Request),
            numbers.InodeOf(node),
            FuseTranslation.ChangeOf(in arguments),
            CancellationToken.None),
        static (_, reply, entry) => Tell(reply, entry));

    /// <inheritdoc/>
    public void StatFs(ulong node, StatFsReply reply) => Run(
        reply,
        vfs.SpaceAsync(CancellationToken.None),
        static (_, reply, space) => space.Status == FsStatus.Ok
            ? reply.Ok(FuseTranslation.SpaceOf(space.Capacity, space.Used)) : reply.Fail((Errno)space.Status));

    private FileIdentity CallerOf(FuseRequest request)
    {
        var caller = request.Caller;
        if (caller.Uid == 0)
        {
            return FileIdentity.Root;
        }

        var now = Environment.TickCount64;
        if (_callers.TryGetValue(caller.ProcessId, out var known) && now < known.UntilMs
            && known.Identity.Uid == caller.Uid && known.Identity.Gid == caller.Gid)
        {
            return known.Identity;
        }

        if (_callers.Count >= GroupsMax)
        {
            _callers.Clear();
        }

        var identity = new FileIdentity(caller.Uid, caller.Gid, caller.ReadSupplementaryGroups());
        _callers[caller.ProcessId] = (identity, now + GroupsValidMs);
        return identity;
    }

    private bool Tell(EntryReply reply, VfsEntry entry)
    {
        using (entry)
        {
            var told = entry switch
            {
                { Status: FsStatus.Ok } => reply.Ok(FuseTranslation.EntryOf(entry, numbers)),

                // That there is none is kept too, as long as it is known.
                { Status: FsStatus.NotFound, NameValid.Ticks: > 0 } =>
                    reply.Ok(FuseTranslation.NoEntry(entry.NameValid)),
                _ => reply.Fail((Errno)entry.Status),
            };
            if (!told && entry.Attributes is { } attributes)
            {
                vfs.Forget(attributes.Inode, 1);
            }

            return told;
        }
    }

    private static bool Tell(AttrReply reply, VfsEntry entry)
    {
        using (entry)
        {
            return entry.Status == FsStatus.Ok
                ? reply.Ok(FuseTranslation.AttributesOf(entry)) : reply.Fail((Errno)entry.Status);
        }
    }

    private static bool Tell(EmptyReply reply, FsStatus status) =>
        status == FsStatus.Ok ? reply.Ok() : reply.Fail((Errno)status);

    /// <summary>Answers here if the result is there, else when it comes.</summary>
    private void Run<TReply, TResult>(
        TReply reply, ValueTask<TResult> task, Func<FuseAdapter, TReply, TResult, bool> tell)
        where TReply : struct, IFuseReply
    {
        var pending = task.Preserve();
        if (pending.IsCompletedSuccessfully)
        {
            tell(this, reply, pending.Result);
            return;
        }

        reply.Request.Defer();
        _ = TellAsync(reply, pending, tell);
    }

    private async Task TellAsync<TReply, TResult>(
        TReply reply, ValueTask<TResult> task, Func<FuseAdapter, TReply, TResult, bool> tell)
        where TReply : struct, IFuseReply
    {
        try
        {
            tell(this, reply, await task.ConfigureAwait(false));
        }
        catch (Exception e)
        {
            // Whoever asked must not wait for ever, and somebody must hear of it.
            Failed(reply, e);
        }
    }

    private void Failed<TReply>(TReply reply, Exception e)
        where TReply : struct, IFuseReply
    {
        reply.Fail(Errno.EIO);
        defect(e);
    }
}
