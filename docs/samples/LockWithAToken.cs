using System.Globalization;
using System.Text;
using DistFS.Client;

namespace DistFS.Samples;

/// <summary>
/// Does something that only one program of the cluster may do at a time. A program that was paused cannot notice that
/// its lock was lost; so what it writes carries the token of the lock, and whoever reads refuses what is older than
/// what was seen.
/// </summary>
public static class LockWithAToken
{
    /// <summary>Counts a file up by one, under a lock.</summary>
    public static async Task RunAsync(DistFsClient dfs, string path, TextWriter output)
    {
        if (await dfs.TryStatAsync(path) == null)
        {
            // Adds nothing; makes the file if it is not there, whoever else does so too.
            await using var made = await dfs.OpenAppendAsync(path);
        }

        await using var alone = await dfs.LockAsync(path);
        await using var file = await dfs.OpenWriteAsync(path, alone.Lost);
        var buffer = new byte[100];
        var text = Encoding.UTF8.GetString(buffer.AsSpan(0, await file.ReadAsync(0, buffer, alone.Lost)));
        var (token, count) = text.Split(' ') is [var seen, var known]
            ? (ulong.Parse(seen, CultureInfo.InvariantCulture), int.Parse(known, CultureInfo.InvariantCulture))
            : (0UL, 0);

        // Tokens grow with each lock. A higher one than ours: we were paused, and another has had the lock since.
        if (token >= alone.Token)
        {
            throw new InvalidOperationException($"Token {alone.Token} is older than {token}.");
        }

        // Lost is cancelled before anybody else can have the lock: then nothing more is written.
        await file.WriteAsync(0, Encoding.UTF8.GetBytes($"{alone.Token} {count + 1}"), alone.Lost);
        await file.FlushAsync(cancellation: alone.Lost);
        await output.WriteLineAsync($"count {count + 1}");
    }
}
