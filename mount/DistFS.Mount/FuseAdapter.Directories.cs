using DistFS.Client;
using DistFS.Fuse;
using DistFS.Primitives;
using DistFS.Vfs;

namespace DistFS.Mount;

/// <content>Directories, and extended attributes.</content>
internal sealed partial class FuseAdapter
{
    private const uint XattrCreate = 1;
    private const uint XattrReplace = 2;

    /// <inheritdoc/>
    public void OpenDir(ulong node, in FuseOpenIn arguments, OpenReply reply)
    {
        var opened = vfs.OpenDirectory(CallerOf(reply.Request), numbers.InodeOf(node));
        if (!reply.Ok(FuseTranslation.OpenedOf(in opened)))
        {
            vfs.ReleaseDirectory(opened.Handle);
        }
    }

    /// <inheritdoc/>
    public void ReadDir(ulong node, in FuseReadIn arguments, DirectoryReply reply) => Run(
        reply,
        vfs.ReadDirectoryAsync(
            arguments.Handle,
            arguments.Offset,
            DirectoryReply.EntriesMax(arguments.Size, isPlus: false),
            withAttributes: false,
            CancellationToken.None),
        static (_, reply, page) =>
        {
            if (page.Status != FsStatus.Ok)
            {
                return reply.Fail((Errno)page.Status);
            }

            foreach (ref readonly var name in page.Names.AsSpan())
            {
                if (!reply.TryAdd(name.Inode.Value, name.Cookie, (uint)name.Kind << 12, name.Name.Span))
                {
                    break;
                }
            }

            VfsMount.Return(page.Names);
            return reply.Ok();
        });

    /// <inheritdoc/>
    public void ReadDirPlus(ulong node, in FuseReadIn arguments, DirectoryReply reply) => Run(
        reply,
        vfs.ReadDirectoryAsync(
            arguments.Handle,
            arguments.Offset,
            DirectoryReply.EntriesMax(arguments.Size, isPlus: true),
            withAttributes: true,
            CancellationToken.None),
        static (self, reply, page) => page.Status != FsStatus.Ok
            ? reply.Fail((Errno)page.Status) : self.TellNames(reply, page.Names));

    /// <inheritdoc/>
    public void FsyncDir(ulong node, in FuseFsyncIn arguments, EmptyReply reply) => Run(
        reply,
        vfs.SyncDirectoryAsync(arguments.Handle, CancellationToken.None),
        static (_, reply, status) => Tell(reply, status));

    /// <inheritdoc/>
    public void ReleaseDir(ulong node, in FuseReleaseIn arguments, EmptyReply reply)
    {
        vfs.ReleaseDirectory(arguments.Handle);
        reply.Ok();
    }

    /// <inheritdoc/>
    public void SetXattr(
        ulong node,
        in FuseSetXattrIn arguments,
        ReadOnlyMemory<byte> name,
        ReadOnlyMemory<byte> value,
        EmptyReply reply) => Run(
        reply,
        vfs.SetXattrAsync(
            CallerOf(reply.Request),
            numbers.InodeOf(node),
            (name, value),
            arguments.Flags switch
            {
                XattrCreate => XattrMode.Create,
                XattrReplace => XattrMode.Replace,
                _ => XattrMode.Set,
            },
            CancellationToken.None),
        static (_, reply, status) => Tell(reply, status));

    /// <inheritdoc/>
    public void GetXattr(ulong node, ReadOnlyMemory<byte> name, XattrReply reply) => Run(
        reply,
        vfs.GetXattrAsync(CallerOf(reply.Request), numbers.InodeOf(node), name, CancellationToken.None),
        static (_, reply, value) => value.Status == FsStatus.Ok
            ? reply.Ok(value.Data.Span) : reply.Fail((Errno)value.Status));

    /// <inheritdoc/>
    public void ListXattr(ulong node, XattrReply reply) => Run(
        reply,
        vfs.ListXattrsAsync(CallerOf(reply.Request), numbers.InodeOf(node), CancellationToken.None),
        static (_, reply, names) => names.Status == FsStatus.Ok
            ? reply.Ok(names.Data.Span) : reply.Fail((Errno)names.Status));

    /// <inheritdoc/>
    public void RemoveXattr(ulong node, ReadOnlyMemory<byte> name, EmptyReply reply) => Run(
        reply,
        vfs.RemoveXattrAsync(CallerOf(reply.Request), numbers.InodeOf(node), name, CancellationToken.None),
        static (_, reply, status) => Tell(reply, status));

    /// <summary>Each entry with attributes that the kernel takes is a lookup; the others are not.</summary>
    private bool TellNames(DirectoryReply reply, ArraySegment<VfsName> names)
    {
        var added = 0;
        while (added < names.Count
            && reply.TryAdd(
                FuseTranslation.EntryOf(names[added], numbers), names[added].Cookie, names[added].Name.Span))
        {
            // Before the kernel can forget it.
            vfs.CountLookup(names[added].Entry);
            added++;
        }

        var told = reply.Ok();
        for (var i = 0; i < names.Count; i++)
        {
            if (!told && i < added && names[i].Entry.Attributes is { } attributes)
            {
                vfs.Forget(attributes.Inode, 1);
            }

            names[i].Entry.Dispose();
        }

        VfsMount.Return(names);
        return told;
    }
}
