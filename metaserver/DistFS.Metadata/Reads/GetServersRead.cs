using DistFS.Metadata.Servers;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Reads;

/// <summary>Where chunk servers are, by the ids that chunks name.</summary>
public static class GetServersRead
{
    /// <summary>Servers of a request, and of a reply.</summary>
    public const int ServersMax = 1024;

    /// <summary>
    /// Tells of those that there are; of a page of all if none is named. <see cref="FsStatus.Invalid"/>: too many.
    /// </summary>
    public static FsStatus Apply(in ReadContext context, GetServersRequest request, out ServerPlaces places)
    {
        ArgumentNullException.ThrowIfNull(request);
        places = new ServerPlaces();
        if (request.Servers.Count > ServersMax)
        {
            return FsStatus.Invalid;
        }

        if (request.Servers.Count == 0)
        {
            var after = request.After;
            places.Servers.AddRange(context.Tree.Servers.All
                .Where(server => server.Id.Value > after)
                .Take(ServersMax)
                .Select(static server => PlaceOf(server.Id, server.Row)));
            return FsStatus.Ok;
        }

        foreach (var id in request.Servers)
        {
            if (context.Tree.Servers.TryGet(new ServerId(id), out var row))
            {
                places.Servers.Add(PlaceOf(new ServerId(id), row));
            }
        }

        return FsStatus.Ok;
    }

    private static ServerPlace PlaceOf(ServerId id, ServerRow row) => new()
    {
        Server = id.Value,
        Address = row.Address,
        Rack = row.Rack,
        IsUp = row.State != ServerState.Down,
    };
}
