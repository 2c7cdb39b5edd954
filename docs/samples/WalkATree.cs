using DistFS.Client;

namespace DistFS.Samples;

/// <summary>Goes through a tree: a round trip for a page of a directory, none for a file.</summary>
public static class WalkATree
{
    /// <summary>Adds up what is below a directory.</summary>
    public static async Task RunAsync(DistFsClient dfs, string path, TextWriter output)
    {
        var (files, directories, bytes) = (0L, 0L, 0L);
        await foreach (var item in dfs.WalkAsync(
            path, failed: (at, e) => output.WriteLine($"left out: {at}: {e.Message}")))
        {
            // The attributes came with the listing.
            directories += item.Status.IsDirectory ? 1 : 0;
            files += item.Status.IsFile ? 1 : 0;
            bytes += item.Status.IsFile ? item.Status.Size : 0;
        }

        await output.WriteLineAsync($"{files} files in {directories} directories, {bytes} bytes");
    }
}
