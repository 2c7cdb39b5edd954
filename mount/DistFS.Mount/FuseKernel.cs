using DistFS.Fuse;
using DistFS.Primitives;
using DistFS.Vfs;

namespace DistFS.Mount;

/// <summary>
/// What a Linux kernel keeps of a mount, by FUSE notifications. It may ask, and keep answers, before mounting has ended
/// here: what it is to forget waits until it is known how that ended.
/// </summary>
internal sealed class FuseKernel(NodeNumbers numbers) : IVfsKernel
{
    /// <summary>Names in the queue at a time, so that one large directory does not fill it.</summary>
    private const int NamesAtOnce = 512;

    private readonly TaskCompletionSource<(FuseServer Server, EntryFlags Names)?> _mounted =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>It is mounted. Once.</summary>
    /// <param name="server">Null: it is not, and will not be; there is nothing to be forgotten.</param>
    /// <param name="features">As agreed on with the kernel.</param>
    public void Begin(FuseServer? server, FuseFeatures features = FuseFeatures.None) => _mounted.SetResult(
        server == null ? null

            // A name that is dropped takes with it what is mounted below, and the path of who works there (getcwd); one
            // that has expired is looked up again. Kernels before Linux 6.2 can only drop.
            : (server, (features & FuseFeatures.HasExpireOnly) != 0 ? EntryFlags.ExpireOnly : EntryFlags.None));

    /// <inheritdoc/>
    public async Task ForgetAttributesAsync(InodeId inode)
    {
        if (await _mounted.Task.ConfigureAwait(false) is var (server, _))
        {
            await server.AttributeNotifier.InvalidateInodeAsync(numbers.NodeOf(inode), -1).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async Task ForgetContentAsync(InodeId inode, long offset, long length)
    {
        if (await _mounted.Task.ConfigureAwait(false) is var (server, _))
        {
            // Content may wait for a page; attributes never do, and must not wait with it.
            var node = numbers.NodeOf(inode);
            var attributes = server.AttributeNotifier.InvalidateInodeAsync(node, -1).AsTask();
            await server.Notifier.InvalidateInodeAsync(node, offset, length).ConfigureAwait(false);
            await attributes.ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async Task ForgetNamesAsync(InodeId directory, IReadOnlyCollection<byte[]> names)
    {
        if (await _mounted.Task.ConfigureAwait(false) is var (server, flags))
        {
            var node = numbers.NodeOf(directory);
            foreach (var part in names.Chunk(NamesAtOnce))
            {
                await Task.WhenAll(
                        part.Select(name => server.NameNotifier.InvalidateEntryAsync(node, name, flags).AsTask()))
                    .ConfigureAwait(false);
            }
        }
    }
}

/// <summary>Inodes as the kernel numbers them: the directory that is mounted is 1, whatever it is in the cluster.
/// </summary>
/// <param name="root">The directory that is mounted.</param>
internal readonly record struct NodeNumbers(InodeId root)
{
    private const ulong RootNode = 1;

    public ulong NodeOf(InodeId inode) => inode == root ? RootNode : inode.Value;

    public InodeId InodeOf(ulong node) => node == RootNode ? root : new InodeId(node);
}
