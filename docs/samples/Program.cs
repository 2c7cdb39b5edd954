using System.Globalization;
using DistFS.Client;
using DistFS.Primitives;
using DistFS.Rpc;
using DistFS.Samples;

// DISTFS_CLUSTER=127.0.0.1:41001,... dotnet run --project docs/samples -- SAMPLE ARGUMENTS
if (args.Length == 0 || Environment.GetEnvironmentVariable("DISTFS_CLUSTER") is not { } cluster)
{
    Console.Error.WriteLine("""
        Set DISTFS_CLUSTER to the metaservers, and name a sample:
          copy LOCAL PATH BACK     put a file, get it back, going on where an earlier run stopped
          walk PATH                add up what is below a directory
          append PATH COUNT        add records to a log that others add to as well
          locate PATH              which servers have which bytes
          lock PATH                write while a lock is held, with its token
        """);
    return 2;
}

try
{
    await using var dfs = await DistFsClient.ConnectAsync(new DistFsClientOptions
    {
        Metaservers = [.. cluster.Split(',').Select(RpcAddress.Parse)],
        Agent = "DistFS samples",
    });
    await (args switch
    {
        ["copy", var local, var path, var back] => CopyAFile.RunAsync(dfs, local, path, back, Console.Out),
        ["walk", var path] => WalkATree.RunAsync(dfs, path, Console.Out),
        ["append", var path, var count] => AppendRecords.RunAsync(
            dfs, path, int.Parse(count, CultureInfo.InvariantCulture), Console.Out),
        ["locate", var path] => ReadLocality.RunAsync(dfs, path, Console.Out),
        ["lock", var path] => LockWithAToken.RunAsync(dfs, path, Console.Out),
        _ => throw new ArgumentException($"There is no such sample: {string.Join(' ', args)}"),
    });
    return 0;
}
catch (DistFsException e)
{
    // Every error has a code that stays; 'dfs explain CODE' says what to do.
    Console.Error.WriteLine($"{e.Code.Id}: {e.Message}");
    return 1;
}
