using DistFS.Client;

namespace DistFS.Samples;

/// <summary>Asks where the bytes of a file are: for programs that compute where the data is.</summary>
public static class ReadLocality
{
    /// <summary>Says who has each range, and reads the first bytes of each.</summary>
    public static async Task RunAsync(DistFsClient dfs, string path, TextWriter output)
    {
        await using var file = await dfs.OpenReadAsync(path);
        var bytes = new byte[16];
        foreach (var range in await dfs.GetBlockLocationsAsync(path))
        {
            // Up to 64 MiB each. What is in no range is a hole, or a small file: then it stands with the metaservers.
            var servers = range.Replicas.Select(static one => $"{one.Address} in rack '{one.Rack}'");
            var read = await file.ReadAsync(range.Offset, bytes.AsMemory(0, (int)Math.Min(16, range.Length)));
            await output.WriteLineAsync(
                $"{range.Offset} +{range.Length}: {string.Join(", ", servers)}; begins with "
                + Convert.ToHexString(bytes.AsSpan(0, read)));
        }
    }
}
