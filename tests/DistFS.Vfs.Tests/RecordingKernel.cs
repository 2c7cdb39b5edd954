using System.Collections.Concurrent;
using System.Text;

namespace DistFS.Vfs.Tests;

/// <summary>A kernel that forgets at once, and remembers what it was told to forget.</summary>
internal sealed class RecordingKernel : IVfsKernel
{
    public ConcurrentQueue<string> Forgotten { get; } = [];

    public Task ForgetAttributesAsync(InodeId inode) => Add($"attributes {inode.Value}");

    public Task ForgetContentAsync(InodeId inode, long offset, long length) => Add($"content {inode.Value}");

    public Task ForgetNamesAsync(InodeId directory, IReadOnlyCollection<byte[]> names) =>
        Add($"names {directory.Value}: {string.Join(' ', names.Select(Encoding.UTF8.GetString).Order())}");

    private Task Add(string what)
    {
        Forgotten.Enqueue(what);
        return Task.CompletedTask;
    }
}
