using DistFS.Client;
using DistFS.Client.Nodes;
using DistFS.Fuse;
using DistFS.Primitives;

namespace DistFS.Mount;

/// <content>Names.</content>
internal sealed partial class FuseAdapter
{
    /// <inheritdoc/>
    public void ReadLink(ulong node, DataReply reply) => Run(
        reply,
        vfs.ReadLinkAsync(numbers.InodeOf(node), CancellationToken.None),
        static (_, reply, link) => link.Status == FsStatus.Ok
            ? reply.Ok(link.Data.Span) : reply.Fail((Errno)link.Status));

    /// <inheritdoc/>
    public void SymLink(ulong parent, ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> target, EntryReply reply) =>
        Make(parent, name, new NewNode { Kind = FileKind.SymbolicLink, Mode = 0b111_111_111, Target = target }, reply);

    /// <inheritdoc/>
    public void MkNod(ulong parent, in FuseMkNodIn arguments, ReadOnlyMemory<byte> name, EntryReply reply) => Make(
        parent,
        name,
        new NewNode
        {
            Kind = FuseTranslation.KindOf(arguments.Mode),
            Mode = FuseTranslation.ModeOf(arguments.Mode),
            Umask = arguments.Umask,
            Device = arguments.Device,
        },
        reply);

    /// <inheritdoc/>
    public void MkDir(ulong parent, in FuseMkDirIn arguments, ReadOnlyMemory<byte> name, EntryReply reply) => Make(
        parent,
        name,
        new NewNode
        {
            Kind = FileKind.Directory,
            Mode = FuseTranslation.ModeOf(arguments.Mode),
            Umask = arguments.Umask,
        },
        reply);

    /// <inheritdoc/>
    public void Unlink(ulong parent, ReadOnlyMemory<byte> name, EmptyReply reply) => Run(
        reply,
        vfs.UnlinkAsync(CallerOf(reply.Request), numbers.InodeOf(parent), name, CancellationToken.None),
        static (_, reply, status) => Tell(reply, status));

    /// <inheritdoc/>
    public void RmDir(ulong parent, ReadOnlyMemory<byte> name, EmptyReply reply) => Run(
        reply,
        vfs.RemoveDirectoryAsync(CallerOf(reply.Request), numbers.InodeOf(parent), name, CancellationToken.None),
        static (_, reply, status) => Tell(reply, status));

    /// <inheritdoc/>
    public void Rename(
        ulong parent,
        in FuseRename2In arguments,
        ReadOnlyMemory<byte> name,
        ReadOnlyMemory<byte> newName,
        EmptyReply reply)
    {
        RenameMode? mode = arguments.Flags switch
        {
            RenameFlags.None => RenameMode.Replace,
            RenameFlags.NoReplace => RenameMode.NoReplace,
            RenameFlags.Exchange => RenameMode.Exchange,
            _ => null,
        };
        if (mode is not { } known)
        {
            reply.Fail(Errno.EINVAL);
            return;
        }

        Run(
            reply,
            vfs.RenameAsync(
                CallerOf(reply.Request),
                (numbers.InodeOf(parent), name),
                (numbers.InodeOf(arguments.NewParent), newName),
                known,
                CancellationToken.None),
            static (_, reply, status) => Tell(reply, status));
    }

    /// <inheritdoc/>
    public void Link(ulong parent, in FuseLinkIn arguments, ReadOnlyMemory<byte> name, EntryReply reply) => Run(
        reply,
        vfs.LinkAsync(
            CallerOf(reply.Request),
            numbers.InodeOf(arguments.OldNodeId),
            numbers.InodeOf(parent),
            name,
            CancellationToken.None),
        static (self, reply, entry) => self.Tell(reply, entry));

    private void Make(ulong parent, ReadOnlyMemory<byte> name, NewNode node, EntryReply reply) => Run(
        reply,
        vfs.MakeAsync(CallerOf(reply.Request), numbers.InodeOf(parent), name, node, CancellationToken.None),
        static (self, reply, entry) => self.Tell(reply, entry));
}
