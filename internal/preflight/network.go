package preflight

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/numbers"
)

// subnet is one that runs are in.
type subnet struct {
	id, vpc, zone string
	free          int      // addresses now
	connections   []string // of Glue that lead there; none of an application of EMR Serverless
	runs          int      // that the pipeline's jobs have there at once
	known         bool     // EC2 has told of it
}

// by names the way there, for people.
func (s *subnet) by() string {
	if len(s.connections) == 0 {
		return "in " + s.id
	}
	return "by " + strings.Join(s.connections, ", ")
}

// what names what is looked at.
func (s *subnet) what() string {
	if len(s.connections) == 0 {
		return "subnet"
	}
	return "connection " + strings.Join(s.connections, ", ")
}

// of says of what the subnet is.
func (s *subnet) of() string {
	if len(s.connections) == 0 {
		return "the application"
	}
	return "connection " + s.connections[0]
}

// tenant is whose workers are in subnets, and what to do about those.
type tenant struct {
	workers int    // of a run, of which each takes an address
	key     string // of the pipeline file, of what names the subnets
	names   string // what does
	correct string
	more    string // for more addresses
	fewer   string // the key of how many workers a run has
}

// tenant is the pipeline's engine.
func (l *look) tenant() tenant {
	if l.onEMR() {
		return tenant{l.Pipeline.Transform.EMR.Workers(), "emr_serverless.application", "the application of EMR Serverless", "correct the application's networkConfiguration",
			"give the application a subnet with more free addresses", "emr_serverless.executors"}
	}
	return tenant{l.Pipeline.Transform.Glue.Workers, "glue.connections", "a connection of Glue", "correct the connection in Glue",
		"add a connection to a subnet with more free addresses", "glue.number_of_workers"}
}

// connectionAnswer is what Glue says of a connection.
type connectionAnswer struct {
	Connection struct {
		PhysicalConnectionRequirements struct {
			Subnet string   `json:"SubnetId"`
			Groups []string `json:"SecurityGroupIdList"`
			Zone   string   `json:"AvailabilityZone"`
		}
	}
}

// network looks at the connections of the jobs, and at the subnets that they lead to.
func (l *look) network(ctx context.Context, f *engineFindings) {
	g := l.Pipeline.Transform.Glue
	if len(g.Connections) == 0 {
		f.add(Noted, "network", "Glue's own: no connection, so no addresses of yours")
		f.note("connections: none")
		return
	}

	for n, name := range g.Connections {
		jobs := (g.Jobs - n + len(g.Connections) - 1) / len(g.Connections) // they take turns
		l.connection(ctx, name, jobs*g.RunsPerJob, f)
	}
	if len(f.subnets) == 0 {
		return
	}
	if l.inSubnets(ctx, f) {
		l.groups(ctx, f)
	}
}

// inSubnets looks at the subnets of runs, as far as EC2 tells of them, which it reports.
func (l *look) inSubnets(ctx context.Context, f *engineFindings) bool {
	if err := l.describe(ctx, f.subnets, &f.findings); err != nil {
		f.unknown("subnets", err)
		return false
	}
	l.zones(f)
	l.routes(ctx, f)
	return true
}

// connection asks where a connection leads.
func (l *look) connection(ctx context.Context, name string, runs int, f *engineFindings) {
	var is connectionAnswer
	err := l.Client.JSON(ctx, awsquery.Glue, "GetConnection", map[string]any{"Name": name, "HidePassword": true}, &is)
	what, place := "connection "+name, l.Pipeline.Places["glue.connections"]
	to := is.Connection.PhysicalConnectionRequirements
	switch {
	case awsquery.Code(err) == "EntityNotFoundException":
		f.wrong(what, "there is no such connection", &hindcast.Error{Place: place, Message: "Glue has no connection " + name + " in " + l.Client.Region(),
			Next: "create it (Glue, Data connections, type Network), or take it out of glue.connections"})
		return
	case err != nil:
		f.unknown(what, err)
		return
	case to.Subnet == "":
		f.wrong(what, "names no subnet", &hindcast.Error{Place: place, Message: "connection " + name + " names no subnet, so a run does not get into your network by it",
			Next: "give it a subnet and a security group, or take it out of glue.connections"})
		return
	}
	f.groups = append(f.groups, members{name, to.Groups})
	for _, s := range f.subnets {
		if s.id == to.Subnet {
			s.connections, s.runs = append(s.connections, name), s.runs+runs
			return
		}
	}
	f.subnets = append(f.subnets, &subnet{id: to.Subnet, zone: to.Zone, connections: []string{name}, runs: runs})
}

// describe asks for subnets' zones and free addresses.
func (l *look) describe(ctx context.Context, list []*subnet, f *findings) error {
	in := url.Values{}
	for i, s := range list {
		in.Set(fmt.Sprintf("SubnetId.%d", i+1), s.id)
	}
	var is struct {
		Subnets []struct {
			ID   string `xml:"subnetId"`
			VPC  string `xml:"vpcId"`
			Zone string `xml:"availabilityZone"`
			Free int    `xml:"availableIpAddressCount"`
		} `xml:"subnetSet>item"`
	}
	err := l.Client.Query(ctx, awsquery.EC2, "DescribeSubnets", in, &is)
	if awsquery.Code(err) == "InvalidSubnetID.NotFound" {
		e := *hindcast.AsError(err)
		e.Code, e.Message = hindcast.EAWS, "a subnet that "+l.tenant().names+" names does not exist: "+e.Message
		e.Place, e.Next = l.Pipeline.Places[l.tenant().key], l.tenant().correct
		f.wrong("subnets", "one does not exist", &e)
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range list {
		for _, found := range is.Subnets {
			if found.ID != s.id {
				continue
			}
			if s.zone != "" && s.zone != found.Zone {
				f.add(Noted, "connection "+s.connections[0], "says zone "+s.zone+"; its subnet is in "+found.Zone)
			}
			s.vpc, s.zone, s.free, s.known = found.VPC, found.Zone, found.Free, true
			l.room(s, f)
		}
	}
	return nil
}

// room compares a subnet's free addresses with the workers of the runs that are to be there, of which each takes one.
func (l *look) room(s *subnet, f *findings) {
	tenant, what := l.tenant(), s.what()
	found := fmt.Sprintf("%s in %s, %s", s.id, s.zone, freeAddresses(s.free))
	fits := s.free / tenant.workers
	switch {
	case fits == 0 && l.onEMR(): // which has perhaps others
		f.add(Noted, what, found+": for not one run by itself")
	case fits == 0:
		f.wrong(what, found, &hindcast.Error{Place: l.Pipeline.Places[tenant.key],
			Message: fmt.Sprintf("%s of %s has %s, and one run takes %s", s.id, s.of(), freeAddresses(s.free), numbers.Thousands(tenant.workers)),
			Next:    "free some (network interfaces of ended runs may stay for an hour), take a larger subnet, or lower " + tenant.fewer})
	case fits < s.runs:
		f.add(Noted, what, found+fmt.Sprintf(": %d of %s at once", fits, numbers.Counted(s.runs, "run")))
	default:
		f.add(Fine, what, found)
	}
}

func freeAddresses(n int) string {
	if n == 1 {
		return "1 free address"
	}
	return numbers.Thousands(n) + " free addresses"
}

// zones says how many zones there are: one that fails takes the runs in it along.
func (l *look) zones(f *engineFindings) {
	var zones, free []string
	for _, s := range f.subnets {
		if s.known {
			zones, free = append(zones, s.zone), append(free, numbers.Thousands(s.free))
		}
	}
	slices.Sort(zones)
	zones = slices.Compact(zones)
	switch len(zones) {
	case 0:
		return
	case 1:
		f.add(Noted, "zones", "all runs are in "+zones[0]+": they stand and fall with it")
	default:
		f.add(Fine, "zones", strings.Join(zones, ", "))
	}
	connections := ""
	if !l.onEMR() {
		connections = fmt.Sprintf("connections: %d to ", len(l.Pipeline.Transform.Glue.Connections))
	}
	f.note(fmt.Sprintf("%s%d subnets in %d zones, free addresses %s", connections, len(f.subnets), len(zones), strings.Join(free, ", ")))
}

// endpoint is one of a VPC, to S3.
type endpoint struct {
	Type   string   `xml:"vpcEndpointType"`
	State  string   `xml:"state"`
	Tables []string `xml:"routeTableIdSet>item"`
}

// table is a route table.
type table struct {
	ID           string `xml:"routeTableId"`
	Associations []struct {
		Main   bool   `xml:"main"`
		Subnet string `xml:"subnetId"`
	} `xml:"associationSet>item"`
	Routes []route `xml:"routeSet>item"`
}

// route is one of a route table.
type route struct {
	To      string `xml:"destinationCidrBlock"`
	Gateway string `xml:"gatewayId"`
	NAT     string `xml:"natGatewayId"`
	State   string `xml:"state"`
}

// elsewhere reports whether it leads out of the VPC, and not by an internet gateway, which workers have no address for.
func (r route) elsewhere() bool {
	return r.Gateway != "local" && !strings.HasPrefix(r.Gateway, "igw-") && r.State != "blackhole"
}

// routes looks for the route from each subnet to S3.
func (l *look) routes(ctx context.Context, f *engineFindings) {
	byVPC := map[string][]*subnet{}
	for _, s := range f.subnets {
		if s.known {
			byVPC[s.vpc] = append(byVPC[s.vpc], s)
		}
	}
	var ways []string
	for vpc, list := range byVPC {
		var ends struct {
			List []endpoint `xml:"vpcEndpointSet>item"`
		}
		var tables struct {
			List []table `xml:"routeTableSet>item"`
		}
		err := l.Client.Query(ctx, awsquery.EC2, "DescribeVpcEndpoints", filters("vpc-id", vpc, "service-name", "com.amazonaws."+l.Client.Region()+".s3"), &ends)
		if err == nil {
			err = l.Client.Query(ctx, awsquery.EC2, "DescribeRouteTables", filters("vpc-id", vpc), &tables)
		}
		if err != nil {
			f.unknown("route to S3", err)
			continue
		}
		for _, s := range list {
			ways = append(ways, l.way(s, ends.List, tables.List, &f.findings))
		}
	}
	slices.Sort(ways)
	if len(ways) > 0 {
		f.note("route to S3: " + strings.Join(ways, ", "))
	}
}

// filters of EC2, as pairs of a name and a value.
func filters(pairs ...string) url.Values {
	in := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		in.Set(fmt.Sprintf("Filter.%d.Name", i/2+1), pairs[i])
		in.Set(fmt.Sprintf("Filter.%d.Value.1", i/2+1), pairs[i+1])
	}
	return in
}

// way says how a subnet reaches S3.
func (l *look) way(s *subnet, ends []endpoint, tables []table, f *findings) (kind string) {
	is := tableOf(s.id, tables)
	for _, e := range ends {
		if strings.EqualFold(e.State, "available") && e.Type == "Gateway" && slices.Contains(e.Tables, is.ID) {
			f.add(Fine, "route to S3", "from "+s.id+" by the gateway endpoint of "+s.vpc)
			return "gateway endpoint"
		}
	}
	for _, e := range ends {
		if strings.EqualFold(e.State, "available") && e.Type == "Interface" {
			f.add(Noted, "route to S3", "from "+s.id+" by an interface endpoint, billed by the byte")
			return "interface endpoint"
		}
	}
	for _, r := range is.Routes {
		if r.To == "0.0.0.0/0" && r.elsewhere() {
			kind = "default route"
			if r.NAT != "" {
				kind = "NAT gateway"
			}
			f.add(Noted, "route to S3", "from "+s.id+" by "+kind+"; a gateway endpoint would be free")
			return kind
		}
	}
	if is.ID == "" {
		f.add(Unknown, "route to S3", "no route table of "+s.id+" is shown")
		return "not shown"
	}
	if slices.ContainsFunc(is.Routes, route.elsewhere) {
		f.add(Unknown, "route to S3", "from "+s.id+" only by routes of your own, if they lead there")
		return "own routes"
	}
	f.wrong("route to S3", "there is none from "+s.id, &hindcast.Error{Place: l.Pipeline.Places[l.tenant().key],
		Message: "workers in " + s.id + " (" + s.of() + ") have no route to S3: no endpoint, and no NAT in its route table",
		Next:    "add a gateway endpoint for com.amazonaws." + l.Client.Region() + ".s3 to its route table, in VPC, Endpoints"})
	return "none"
}

// tableOf is the subnet's route table: its own, or its VPC's main one.
func tableOf(subnet string, tables []table) (is table) {
	for _, t := range tables {
		for _, a := range t.Associations {
			if a.Subnet == subnet {
				return t
			}
			if a.Main {
				is = t
			}
		}
	}
	return is
}

// permission is a rule of a security group.
type permission struct {
	Protocol string   `xml:"ipProtocol"`
	From     *int     `xml:"fromPort"`
	To       *int     `xml:"toPort"`
	Groups   []string `xml:"groups>item>groupId"`
	Ranges   []string `xml:"ipRanges>item>cidrIp"`
}

// everyPort reports whether the rule is of all TCP ports.
func (p permission) everyPort() bool {
	return p.Protocol == "-1" || p.Protocol == "tcp" && p.From != nil && p.To != nil && *p.From <= 0 && *p.To >= 65535
}

// among is how far the rules of a security group let its members reach each other.
type among int

const (
	closedToAll among = iota
	openToSome        // every TCP port, for sources that may be the members' addresses
	openToAll
)

// openness is that of a group's rules.
func openness(group string, rules []permission) (is among) {
	for _, p := range rules {
		if !p.everyPort() {
			continue
		}
		if slices.Contains(p.Groups, group) || slices.Contains(p.Ranges, "0.0.0.0/0") {
			return openToAll
		}
		is = openToSome
	}
	return is
}

// members are the security groups that a connection gives the workers.
type members struct {
	connection string
	groups     []string
}

// groups looks for the rule that lets workers talk to each other, without which Glue starts no run.
func (l *look) groups(ctx context.Context, f *engineFindings) {
	var ids []string
	for _, m := range f.groups {
		ids = append(ids, m.groups...)
	}
	slices.Sort(ids)
	in := url.Values{}
	for i, id := range slices.Compact(ids) {
		in.Set(fmt.Sprintf("GroupId.%d", i+1), id)
	}
	var is struct {
		List []struct {
			ID    string       `xml:"groupId"`
			Rules []permission `xml:"ipPermissions>item"`
		} `xml:"securityGroupInfo>item"`
	}
	if len(ids) > 0 {
		if err := l.Client.Query(ctx, awsquery.EC2, "DescribeSecurityGroups", in, &is); err != nil {
			f.unknown("security groups", err)
			return
		}
	}
	open := map[string]among{}
	for _, g := range is.List {
		open[g.ID] = openness(g.ID, g.Rules)
	}
	state, found := Fine, "let workers reach each other"
	for _, m := range f.groups {
		best := closedToAll
		for _, id := range m.groups {
			best = max(best, open[id])
		}
		switch best {
		case openToAll:
		case openToSome:
			state, found = Noted, "those of "+m.connection+" open all TCP ports to others than themselves: the workers' addresses have to be among those"
		case closedToAll:
			f.wrong("security groups", "those of "+m.connection+" keep its workers apart", &hindcast.Error{Place: l.Pipeline.Places["glue.connections"],
				Message: "no security group of connection " + m.connection + " lets its own members reach each other at all TCP ports, as Glue's workers have to",
				Next:    "add an inbound rule to it: all TCP, source the group itself"})
			return
		}
	}
	f.add(state, "security groups", found)
}
