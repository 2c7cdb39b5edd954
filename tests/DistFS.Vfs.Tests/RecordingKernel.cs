using System.Collections.Concurrent;
using System.Text;

namespace DistFS.Vfs.Tests;

/// <summary>A kernel that forgets at once, unless it is held, and remembers what it was told to forget.</summary>
internal sealed class RecordingKernel : IVfsKernel
{
    public ConcurrentQueue<string> Forgotten { get; } = [];

    /// <summary>What forgetting content waits for; the length of all of it is 0.</summary>
    public Func<InodeId, long, Task> Holding { get; set; } = static (_, _) => Task.CompletedTask;

    public Task ForgetAttributesAsync(InodeId inode) => Add($"attributes {inode.Value}");

    public async Task ForgetContentAsync(InodeId inode, long offset, long length)
    {
        await Holding(inode, length);
        await Add($"content {inode.Value}");
    }

    public Task ForgetNamesAsync(InodeId directory, IReadOnlyCollection<byte[]> names) =>
        Add($"names {directory.Value}: {string.Join(' ', names.Select(Encoding.UTF8.GetString).Order())}");

    private Task Add(string what)
    {
        Forgotten.Enqueue(what);
        return Task.CompletedTask;
    }
}
