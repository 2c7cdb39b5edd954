using System.Globalization;
using DistFS.Fuse;

namespace DistFS.Benchmarks.Fuse;

/// <summary>The daemon of the suite, as a process of its own: nobody may work on a mount of its own process.</summary>
internal static class FuseNode
{
    /// <summary>Serves until its standard input ends; each line is answered with the bytes allocated so far.</summary>
    public static async Task<int> RunAsync(string mountPoint, bool isPosix, CancellationToken cancellation)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("The fuse suite runs on Linux only.");
        }

        var options = new FuseMountOptions
        {
            Source = "flat",
            Subtype = "distfsbench",
            Server = new FuseOptions
            {
                Features = FuseFeatures.AsyncRead | FuseFeatures.ParallelDirectoryOperations
                    | FuseFeatures.AsyncDirectIo,
            },
        };
        await using var mount = await FuseMount.MountAsync(
            mountPoint, new FlatFileSystem(isPosix), options, cancellation);
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync(cancellation) != null)
        {
            Console.WriteLine(GC.GetTotalAllocatedBytes(precise: true).ToString(CultureInfo.InvariantCulture));
        }

        return 0;
    }
}
