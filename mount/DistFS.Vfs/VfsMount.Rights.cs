using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Who may change attributes, as far as it is decided here; the rest is the metaservers' (they look again).
/// </content>
public sealed partial class VfsMount
{
    private const uint SetUser = 0b100_000_000_000;
    private const uint GroupExecute = 0b001_000;

    /// <summary>
    /// The mode without what lets a program run as its owner or group: whoever writes a file makes the kernel ask for
    /// that, in his own name.
    /// </summary>
    internal static bool IsOfKernel(FileStatus before, AttributeChange change) =>
        change is
        {
            Mode: { } mode, Uid: null, Gid: null, AccessTime: null, ModifyTime: null, TouchesAccessTime: false,
            TouchesModifyTime: false,
        }
        && mode != before.Mode && (mode & ~before.Mode) == 0 && (before.Mode & ~mode & ~SpecialModes) == 0;

    /// <summary>
    /// Whether a caller may change this here, by what the metaservers look at (SetAttributesOperation); if not, they
    /// may know better.
    /// </summary>
    internal static bool MayHere(FileIdentity caller, FileStatus before, AttributeChange change)
    {
        if (caller.Uid == 0)
        {
            return true;
        }

        var gid = change.Gid ?? before.Gid;
        return caller.Uid == before.Uid
            && (change.Uid ?? before.Uid) == before.Uid
            && (gid == before.Gid || IsIn(caller, gid))
            && ((change.Mode ?? 0) & SetGroup) == 0;
    }

    /// <summary>Bits of a mode that a write by another than root takes away.</summary>
    private static uint SpecialBits(uint mode) =>
        mode & (SetUser | ((mode & GroupExecute) != 0 ? SetGroup : 0));

    private static bool IsIn(FileIdentity caller, uint gid) => caller.Gid == gid || caller.Groups.Contains(gid);

    private async ValueTask<bool> IsOfKernelAsync(
        FileIdentity caller, VfsNode node, AttributeChange? change, CancellationToken cancellation)
    {
        if (caller.Uid == 0 || change?.Mode == null)
        {
            return false;
        }

        using var told = await StatAsync(node, cancellation).ConfigureAwait(false);
        return told.Attributes is { } known && IsOfKernel(known, change);
    }

    /// <summary>A file that is written past the kernel's pages: it leaves the bits to us then.</summary>
    private async ValueTask DropSpecialAsync(VfsNode node, CancellationToken cancellation)
    {
        uint mode;
        using (var told = await StatAsync(node, cancellation).ConfigureAwait(false))
        {
            mode = told.Attributes?.Mode ?? 0;
        }

        if (SpecialBits(mode) is not 0 and var bits)
        {
            using var dropped = await SetAttributesAsync(
                FileIdentity.Root,
                node.Inode,
                new VfsChange(new AttributeChange { Mode = mode & ~bits }, null),
                cancellation).ConfigureAwait(false);
            if (dropped.Status != FsStatus.Ok)
            {
                throw new DistFsException(
                    ErrorCatalog.FileRefused,
                    $"Inode {node.Inode.Value}: the set-ID bits could not be taken away.",
                    null,
                    dropped.Status);
            }

            // It believes in them as long as in the other attributes.
            await WaitAsync(_kernel.ForgetAttributesAsync(node.Inode), _options.ForgetWait, node)
                .ConfigureAwait(false);
        }
    }
}
