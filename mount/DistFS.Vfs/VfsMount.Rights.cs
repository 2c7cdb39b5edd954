using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Who may change attributes, as far as it is decided here; the rest is the metaservers' (they look again).
/// </content>
public sealed partial class VfsMount
{
    private const uint SetUser = 0b100_000_000_000;
    private const uint GroupExecute = 0b001_000;
    private static readonly byte[] Capability = [.. "security.capability"u8];

    /// <summary>
    /// Whether the kernel leaves it to us that a file which is changed has no capabilities afterwards
    /// (FUSE_HANDLE_KILLPRIV_V2). Set before the first request.
    /// </summary>
    public bool DropsCapabilities { get; set; }

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

    /// <summary>
    /// What lets a program run as somebody else goes before its file is changed: the kernel leaves that to us, bits of
    /// the mode where it says so, capabilities if <see cref="DropsCapabilities"/>.
    /// </summary>
    private ValueTask DropPrivilegesAsync(VfsNode node, bool dropsSpecial, CancellationToken cancellation)
    {
        if (!dropsSpecial && !DropsCapabilities)
        {
            return ValueTask.CompletedTask;
        }

        lock (node.Gate)
        {
            if (node.Known is { } known && Holds(node, LeaseMode.Read)
                && (!dropsSpecial || SpecialBits(known.Mode) == 0)
                && (!DropsCapabilities || !known.HasXattrs || node.NoCapabilityAt == node.Stamp))
            {
                return ValueTask.CompletedTask;
            }
        }

        return DropThereAsync(node, dropsSpecial, cancellation);
    }

    private async ValueTask DropThereAsync(VfsNode node, bool dropsSpecial, CancellationToken cancellation)
    {
        FileStatus? known;
        long stamp;
        using (var told = await StatAsync(node, cancellation).ConfigureAwait(false))
        {
            known = told.Attributes;
            lock (node.Gate)
            {
                // Without a lease another mount may set some in this moment.
                stamp = node.Known != null && Holds(node, LeaseMode.Read) ? node.Stamp : -1;
            }
        }

        if (DropsCapabilities && known is { HasXattrs: true })
        {
            await DropCapabilitiesAsync(node, stamp, cancellation).ConfigureAwait(false);
        }

        if (dropsSpecial && SpecialBits(known?.Mode ?? 0) is not 0 and var bits)
        {
            using var dropped = await SetAttributesAsync(
                FileIdentity.Root,
                node.Inode,
                new VfsChange(new AttributeChange { Mode = known!.Mode & ~bits }, null),
                cancellation).ConfigureAwait(false);
            Require(node, dropped.Status, "the set-ID bits");

            // It believes in them as long as in the other attributes.
            await WaitAsync(_kernel.ForgetAttributesAsync(node.Inode), _options.ForgetWait, node)
                .ConfigureAwait(false);
        }
    }

    /// <summary>
    /// The kernel looks for them once, and not again until it is told of attributes (S_NOSEC): another mount may have
    /// given the file some since.
    /// </summary>
    private async Task DropCapabilitiesAsync(VfsNode node, long stamp, CancellationToken cancellation)
    {
        var found = await GetXattrAsync(FileIdentity.Root, node.Inode, Capability, cancellation).ConfigureAwait(false);
        if (found.Status == FsStatus.NoData)
        {
            lock (node.Gate)
            {
                node.NoCapabilityAt = stamp;
            }

            return;
        }

        Require(node, found.Status, "capabilities");
        var status = await RemoveXattrAsync(FileIdentity.Root, node.Inode, Capability, cancellation)
            .ConfigureAwait(false);
        Require(node, status == FsStatus.NoData ? FsStatus.Ok : status, "capabilities");
    }

    private static void Require(VfsNode node, FsStatus status, string what)
    {
        if (status != FsStatus.Ok)
        {
            throw new DistFsException(
                ErrorCatalog.FileRefused, $"Inode {node.Inode.Value}: {what} could not be taken away.", null, status);
        }
    }
}
