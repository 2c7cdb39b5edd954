using DistFS.Client;
using DistFS.Client.Transfers;

namespace DistFS.Samples;

/// <summary>
/// Puts a local file into the cluster, and gets it back. Nothing is seen under either name before all of it is there.
/// </summary>
public static class CopyAFile
{
    /// <summary>Copies there and back.</summary>
    public static async Task RunAsync(DistFsClient dfs, string local, string path, string back, TextWriter output)
    {
        // Resumes: if this was interrupted before, with the same file, it goes on where it stopped.
        var options = new TransferOptions { Overwrites = true, Preserves = true, Resumes = true };
        await new FileUpload(dfs, options).PutAsync(local, path, CancellationToken.None);
        await output.WriteLineAsync($"put {options.Progress.Bytes} bytes, {options.Progress.Resumed} were there");

        // When it has ended, it is durable: on the disks of all servers of its chunks.
        var status = await dfs.StatAsync(path);
        await output.WriteLineAsync($"{path} has {status.Size} bytes, {status.Allocated} are stored");
        await new FileDownload(dfs, options).GetAsync(path, back, CancellationToken.None);
        await output.WriteLineAsync($"got {new FileInfo(back).Length} bytes");
    }
}
