using System.Text;
using DistFS.Client;

namespace DistFS.Samples;

/// <summary>
/// Adds records to a log. Any number of programs may do so at the same time: each record stands in one piece behind the
/// others.
/// </summary>
public static class AppendRecords
{
    /// <summary>Adds so many records.</summary>
    public static async Task RunAsync(DistFsClient dfs, string path, int count, TextWriter output)
    {
        await using var log = await dfs.OpenAppendAsync(path);

        // One after the other: each is durable before the next begins.
        var offset = await log.AppendAsync(Record(0));
        await output.WriteLineAsync($"the first begins at {offset}");

        // Together: they are made durable together, which is many times as fast.
        var offsets = await Task.WhenAll(Enumerable.Range(1, count - 1).Select(i => log.AppendAsync(Record(i))));
        await output.WriteLineAsync($"{offsets.Length} more, the last at {offsets.DefaultIfEmpty(offset).Max()}");
    }

    private static byte[] Record(int number) => Encoding.UTF8.GetBytes($"record {number} of {Environment.ProcessId}\n");
}
