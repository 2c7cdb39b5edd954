namespace DistFS.Vfs.Tests;

/// <summary>Calls of a mount as whoever answers the kernel makes them.</summary>
internal static class VfsCalls
{
    /// <summary>Writes, and lets the kernel forget what it must not keep.</summary>
    public static async Task<(FsStatus Status, bool Keeps, long At)> PutAsync(
        this VfsMount mount, ulong handle, long offset, ReadOnlyMemory<byte> content, VfsWrite how = default)
    {
        var (status, at, use) = await mount.WriteAsync(handle, offset, content, how, default);
        using (use)
        {
            return (status, use.Keeps, at);
        }
    }
}
