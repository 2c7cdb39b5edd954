using DistFS.Fuse;
using DistFS.Primitives;
using DistFS.Vfs;

namespace DistFS.Mount;

/// <summary>
/// What a Linux kernel keeps of a mount, by FUSE notifications. Before it is mounted it keeps nothing.
/// </summary>
internal sealed class FuseKernel(NodeNumbers numbers) : IVfsKernel
{
    /// <summary>Names in the queue at a time, so that one large directory does not fill it.</summary>
    private const int NamesAtOnce = 512;

    private volatile FuseServer? _server;

    /// <summary>It is mounted.</summary>
    public void Begin(FuseServer server) => _server = server;

    /// <inheritdoc/>
    public Task ForgetAttributesAsync(InodeId inode) => ForgetContentAsync(inode, -1, 0);

    /// <inheritdoc/>
    public Task ForgetContentAsync(InodeId inode, long offset, long length) =>
        _server?.Notifier.InvalidateInodeAsync(numbers.NodeOf(inode), offset, length).AsTask() ?? Task.CompletedTask;

    /// <inheritdoc/>
    public async Task ForgetNamesAsync(InodeId directory, IReadOnlyCollection<byte[]> names)
    {
        if (_server?.NameNotifier is not { } notifier)
        {
            return;
        }

        var node = numbers.NodeOf(directory);
        foreach (var part in names.Chunk(NamesAtOnce))
        {
            await Task.WhenAll(part.Select(name => notifier.InvalidateEntryAsync(node, name).AsTask()))
                .ConfigureAwait(false);
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
