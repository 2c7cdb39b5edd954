using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.TestCluster;

namespace DistFS.Benchmarks.Meta;

/// <summary>
/// What the clients of the meta suite do. A loop has a session and a directory of its own and one request under way;
/// the loops share a connection to each member.
/// </summary>
internal sealed class MetaWork
{
    /// <summary>Names that one request looks up.</summary>
    public const int LookupsPerRequest = 64;

    private const int FilesPerDirectory = 10_000;

    private readonly IReadOnlyList<IRpcCaller> _callers;
    private readonly MetadataClient[] _clients;
    private readonly ulong[] _directories;

    // Files by their number, and what their names begin with, of each loop.
    private readonly (int From, int To, char Letter)[] _files;

    private ulong _big;
    private int _made;
    private string? _failure;

    private MetaWork(IReadOnlyList<IRpcCaller> callers, int loops)
    {
        _callers = callers;
        _clients = new MetadataClient[loops];
        _directories = new ulong[loops];
        _files = new (int, int, char)[loops];
    }

    /// <summary>Opens the sessions, makes the directories.</summary>
    public static async Task<MetaWork> PrepareAsync(MetaserverProcesses processes, int loops, int bigEntries)
    {
        var work = new MetaWork(processes.Callers, loops);
        for (var i = 0; i < loops; i++)
        {
            work._clients[i] = new MetadataClient(work._callers);
            work._files[i].Letter = 'a';
            await work._clients[i].OpenSessionAsync();
            work._directories[i] = await work.DirectoryAsync($"d{i}");
        }

        work._big = await work.DirectoryAsync("big");
        await work.CreateRangeAsync(work._clients[0], work._big, 0, bigEntries, 256);
        return work;
    }

    /// <summary>Ends the run if an operation had an unexpected end, or a member.</summary>
    public void ThrowIfFailed(MetaserverProcesses processes)
    {
        if ((_failure ?? processes.Fault()) is { } failure)
        {
            throw new InvalidOperationException(failure);
        }
    }

    /// <summary>New files, one per request.</summary>
    public async Task<long> CreateAsync(int loop, Load load)
    {
        long count = 0;
        for (; load.Running; count++)
        {
            var number = _files[loop].To++;
            Expect(await _clients[loop].MutateAsync(Names.Create(_directories[loop], Name('a', number))));
        }

        _files[loop].Letter = 'a';
        return count;
    }

    /// <summary>New names for the files, one per request, again and again.</summary>
    public async Task<long> RenameAsync(int loop, Load load)
    {
        var directory = _directories[loop];
        long count = 0;
        while (load.Running)
        {
            // In the order of the letters, so that all have the same one in the end.
            var (from, to, letter) = _files[loop];
            var next = letter == 'a' ? 'b' : 'a';
            for (var number = from; number < to; number++, count++)
            {
                if (!load.Running)
                {
                    // Those before this one have the new name, and do not matter any more.
                    _files[loop].From = number;
                    return count;
                }

                Expect(await _clients[loop].MutateAsync(
                    Names.Rename(directory, Name(letter, number), directory, Name(next, number))));
            }

            _files[loop].Letter = next;
        }

        return count;
    }

    /// <summary>Names that are there, one per request.</summary>
    public async Task<long> LookupAsync(int loop, Load load)
    {
        var random = new Random(loop);
        long count = 0;
        for (; load.Running; count++)
        {
            Expect((await _clients[loop].ReadAsync(Lookup(random))).Status);
        }

        return count;
    }

    /// <summary>Names that are there, many per request.</summary>
    public async Task<long> LookupManyAsync(int loop, Load load)
    {
        var random = new Random(loop);
        long count = 0;
        for (; load.Running; count += LookupsPerRequest)
        {
            var request = new ReadRequest { Caller = Names.Root };
            for (var i = 0; i < LookupsPerRequest; i++)
            {
                request.Operations.Add(Lookup(random));
            }

            foreach (var reply in await _clients[loop].ReadAsync(request))
            {
                Expect(reply.Status);
            }
        }

        return count;
    }

    /// <summary>A large directory with attributes, page by page, again and again; counts entries.</summary>
    public async Task<long> ListAsync(int loop, Load load)
    {
        long count = 0;
        ulong after = 0;
        while (load.Running)
        {
            using var page = await _clients[loop].ReadDirectoryAsync(Names.List(_big, after));
            count += page.Message.Entries;
            after = page.Message.IsEnd ? 0 : Names.LastCookie(page.Payload.Memory.Span, page.Message.Entries);
        }

        return count;
    }

    /// <summary>Removes the files, one per request, until there are none.</summary>
    public async Task<long> UnlinkAsync(int loop, Load load)
    {
        long count = 0;
        var (number, to, letter) = _files[loop];
        for (; load.Running && number < to; number++, count++)
        {
            Expect(await _clients[loop].MutateAsync(Names.Unlink(_directories[loop], Name(letter, number))));
        }

        // What was left over keeps its names, which come no more.
        _files[loop].From = to;
        return count;
    }

    /// <summary>New files, many per request.</summary>
    public async Task<long> CreateManyAsync(int loop, int batch, Load load)
    {
        long count = 0;
        for (; load.Running; count += batch)
        {
            await CreateRangeAsync(
                _clients[loop], _directories[loop], Interlocked.Add(ref _made, batch), batch, batch);
        }

        return count;
    }

    /// <summary>So many files, in directories of 10,000.</summary>
    public Task FillAsync(int files, int loops, int batch)
    {
        var next = 0;
        return Task.WhenAll(Enumerable.Range(0, loops).Select(loop => Task.Run(async () =>
        {
            while ((Interlocked.Increment(ref next) - 1) * FilesPerDirectory is var from && from < files)
            {
                var directory = await DirectoryAsync($"fill{from}", loop);
                await CreateRangeAsync(
                    _clients[loop], directory, from, Math.Min(FilesPerDirectory, files - from), batch);
            }
        })));
    }

    /// <summary>Looks the first directory up, as soon as anybody answers.</summary>
    public async Task LookAgainAsync() =>
        Expect((await _clients[0].ReadAsync(Names.Lookup(Names.RootDirectory, "d0"))).Status);

    private static string Name(char letter, int number) => $"{letter}-file-{number:D8}";

    private ReadOperation Lookup(Random random)
    {
        var loop = random.Next(_directories.Length);
        var (from, to, letter) = _files[loop];
        return to > from
            ? Names.Lookup(_directories[loop], Name(letter, random.Next(from, to)))
            : Names.Lookup(Names.RootDirectory, $"d{loop}");
    }

    private async Task<ulong> DirectoryAsync(string name, int loop = 0)
    {
        var reply = await _clients[loop].MutateAsync(Names.MakeDirectory(Names.RootDirectory, name));
        Expect(reply);
        return reply.Attributes.Inode;
    }

    private async Task CreateRangeAsync(MetadataClient client, ulong directory, int from, int count, int batch)
    {
        for (var end = from + count; from < end; from += batch)
        {
            var request = new MutateRequest();
            for (var number = from; number < Math.Min(end, from + batch); number++)
            {
                request.Operations.Add(Names.Create(directory, Name('m', number)));
            }

            foreach (var reply in (await client.MutateAsync(request)).Replies)
            {
                Expect(reply);
            }
        }
    }

    private void Expect(OperationReply reply) => Expect(reply.Status);

    private void Expect(int status)
    {
        if (status != 0)
        {
            _failure ??= $"An operation ended with {(FsStatus)status}.";
        }
    }
}
