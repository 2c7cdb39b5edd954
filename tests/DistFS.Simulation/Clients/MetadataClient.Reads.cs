using DistFS.Linearizability;
using DistFS.Primitives;
using DistFS.Protocol;
using Operation = DistFS.Protocol.Operation;

namespace DistFS.Simulation;

/// <content>What goes into histories, and reads of what does not.</content>
public sealed partial class MetadataClient
{
    private const int NamesOfHistory = 4;
    private const int PageEntries = 2;

    private readonly List<(ulong Cookie, string Name)> _page = [];

    private void NextOfHistory()
    {
        var group = _prng.NextInt32(_workload.Places.Groups);
        if (_prng.Chance(_world.Options.Reads))
        {
            ReadOfHistory(group);
            return;
        }

        var asked = new List<(NamespaceInput Input, Operation Operation)> { Draw(group) };
        while (_prng.Chance(_workload.Options.Batches) && asked.Count < 4)
        {
            asked.Add(Draw(group));
        }

        // Nothing is said when no answer comes: the log decides.
        var (session, sequence) = (_session, new SequenceNumber(_sequence + 1));
        _workload.History.Invoke(group, session, sequence, asked.ConvertAll(one => one.Input));
        Mutate(
            asked.ConvertAll(one => one.Operation),
            (_, reply) => _workload.History.Return(session, sequence, reply));
    }

    private (NamespaceInput Input, Operation Operation) Draw(int group)
    {
        var (parent, path, name) = AnyName(group);
        var operation = new Operation { Caller = new Caller() };
        switch (_prng.NextInt32(6))
        {
            case 0 or 1 or 2:
                operation.Make = new MakeRequest
                {
                    Parent = parent,
                    Name = MetadataPlaces.Bytes(name),
                    Kind = (uint)DistFS.Metadata.Rows.InodeKind.File,
                    Mode = 0b110_110_110,
                };
                return (NamespaceInput.CreateExclusive(path), operation);
            case 3:
                operation.Unlink = new UnlinkRequest { Parent = parent, Name = MetadataPlaces.Bytes(name) };
                return (NamespaceInput.Unlink(path), operation);
            default:
                var (toParent, toPath, toName) = AnyName(group);
                operation.Rename = new RenameRequest
                {
                    FromParent = parent,
                    FromName = MetadataPlaces.Bytes(name),
                    ToParent = toParent,
                    ToName = MetadataPlaces.Bytes(toName),
                };
                return (NamespaceInput.Rename(path, toPath), operation);
        }
    }

    private (ulong Parent, string Path, string Name) AnyName(int group)
    {
        var directory = (group * MetadataPlaces.GroupDirectories) + _prng.NextInt32(MetadataPlaces.GroupDirectories);
        var name = $"{(char)('a' + _prng.NextInt32(NamesOfHistory))}";
        return (
            _workload.Places.Histories[directory], $"/{MetadataPlaces.HistoryName(directory)}/{name}", name);
    }

    private void ReadOfHistory(int group)
    {
        var (parent, path, name) = AnyName(group);
        if (_prng.Chance(0.3))
        {
            var list = _workload.History.Invoke(group, NamespaceInput.List(path[..path.LastIndexOf('/')]));
            Ask(
                MetadataQuestion.Of(new ReadDirectoryRequest
                {
                    Caller = new Caller(),
                    Directory = parent,
                    EntriesMax = 1_000,
                }),
                ReadDirectoryReply.Parser.ParseFrom,
                page =>
                {
                    Must(page.Status == 0 && page.IsEnd, $"{path} cannot be listed: {page.Status}");
                    _workload.History.Return(
                        list,
                        NamespaceOutput.Listed([.. MetadataQuestion.Names(page).Select(static line => line.Name)]));
                },
                list.Unknown);
            return;
        }

        var input = NamespaceInput.Lookup(path);
        var open = _workload.History.Invoke(group, input);
        Ask(
            MetadataQuestion.Of(new ReadRequest
            {
                Caller = new Caller(),
                Operations =
                {
                    new ReadOperation
                    {
                        Lookup = new LookupRequest { Parent = parent, Name = MetadataPlaces.Bytes(name) },
                    },
                },
            }),
            ReadReply.Parser.ParseFrom,
            reply =>
            {
                var found = reply.Replies[0];
                _workload.History.Return(open, NamespaceHistory.OutputOf(
                    input, found.Status, found.Attributes?.Inode ?? 0, (int)(found.Attributes?.Links ?? 0)));
            },
            open.Unknown);
    }

    /// <summary>A listing in small pages, while the directory changes.</summary>
    private void ReadInTheWild()
    {
        _page.Clear();
        ReadPage(_workload.Places.Any(_prng), 0);
    }

    private void ReadPage(ulong directory, ulong after) => Ask(
        MetadataQuestion.Of(new ReadDirectoryRequest
        {
            Caller = new Caller(),
            Directory = directory,
            After = after,
            EntriesMax = PageEntries,
        }),
        ReadDirectoryReply.Parser.ParseFrom,
        page =>
        {
            if (page.Status != 0)
            {
                return;
            }

            foreach (var (cookie, _, name) in MetadataQuestion.Names(page))
            {
                Must(
                    _page.Count == 0 || _page[^1].Cookie < cookie,
                    $"the pages of {directory} go back to {cookie}");
                Must(_page.TrueForAll(line => line.Name != name), $"{name} is twice in the pages of {directory}");
                _page.Add((cookie, name));
            }

            if (!page.IsEnd)
            {
                ReadPage(directory, _page.Count == 0 ? DistFS.Metadata.Rows.Cookies.Parent : _page[^1].Cookie);
            }
        });
}
