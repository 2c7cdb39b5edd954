global using DistFS.Primitives;
global using DistFS.Protocol;
global using DistFS.Rpc.Frames;
global using Google.Protobuf;
global using Xunit;
