using System.Diagnostics;
using DistFS.Native;

namespace DistFS.Chunks.Tests.Rocks;

/// <summary>
/// A file system of a few megabytes: a tmpfs in the mount namespace of a child process, reached through its
/// /proc/PID/root. Needs no root where users may have namespaces, and vanishes with the child whatever happens here.
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dfs-chunks-").FullName;
    private readonly Process _holder;

    public SmallDisk(int megabytes)
    {
        var start = new ProcessStartInfo("unshare")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        if (!Environment.IsPrivilegedProcess)
        {
            start.ArgumentList.Add("--map-root-user");
        }

        string[] rest =
        [
            "--mount", "sh", "-c", "mount -t tmpfs -o size=\"$1\"m,mode=1777 tmpfs \"$0\" && echo ready && read line",
            _folder, megabytes.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ];
        Array.ForEach(rest, start.ArgumentList.Add);
        _holder = Process.Start(start)!;
        Assert.Equal("ready", _holder.StandardOutput.ReadLine());
        Path = $"/proc/{_holder.Id}/root{_folder}";
        Assert.InRange(Posix.StatVfs(Path).TotalBytes, 1, (long)megabytes << 20);
    }

    public string Path { get; }

    public void Dispose()
    {
        _holder.StandardInput.Close();
        _holder.WaitForExit();
        _holder.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
